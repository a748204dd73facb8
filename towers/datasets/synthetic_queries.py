"""Search queries made from the catalogue, for a shop that has no query log yet."""

from __future__ import annotations

import random
import string

from towers.catalog.items import Catalog

_TYPO_SHARE = 0.12
_SHORTENING_SHARE = 0.12
_GOLDEN_COUNT = 5


def catalogue_query(
    catalog: Catalog, row: int, rng: random.Random, *, has_slips: bool = True
) -> str:
    """What somebody might type who wants the item at ``row``; empty if it has no text at all.

    One of: its title, some words of the title in order, side by side or not, its narrowest
    category, its brand with either. With ``has_slips`` now and then a word is cut short or has a
    typo.
    """
    title = catalog.titles[row].split()
    category = catalog.category(row)[-1:]
    brand = catalog.brand_name(row)
    ways: list[list[str]] = []
    if title:
        start = rng.randrange(len(title)) if len(title) > 4 else 0
        length = rng.randint(1, 4)
        scattered = sorted(rng.sample(range(len(title)), min(len(title), length + 1)))
        ways += [title[start : start + length], [title[place] for place in scattered]]
        ways += [title[:3], title]
    if category:
        ways += [list(category), list(category)]
    if brand and (title or category):
        ways.append([brand, *(category or title[:2])])
    if not ways:
        return brand.lower()
    chosen = [word for part in rng.choice(ways) for word in part.split()]
    if has_slips and chosen:
        _slip(chosen, rng)
    return " ".join(chosen).lower()


def _slip(words: list[str], rng: random.Random) -> None:
    if rng.random() < _TYPO_SHARE:
        place = rng.randrange(len(words))
        words[place] = with_typo(words[place], rng)
    elif rng.random() < _SHORTENING_SHARE:
        words[-1] = words[-1][: max(3, len(words[-1]) - rng.randint(1, 4))]


def golden_queries(catalog: Catalog, seed: int) -> list[str]:
    """The queries whose answers a bundle carries for a check; none of an empty text."""
    rng = random.Random(seed)
    rows = [rng.randrange(catalog.count) for _ in range(_GOLDEN_COUNT)]
    return [query for row in rows if (query := catalogue_query(catalog, row, rng))]


def with_typo(word: str, rng: random.Random) -> str:
    """The word with one letter left out, doubled, changed or swapped; short words stay."""
    if len(word) < 4 or not word.isascii():
        return word
    place = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:place] + word[place + 1 :]
    if kind == 1:
        return word[:place] + word[place] + word[place:]
    if kind == 2:
        return word[:place] + rng.choice(string.ascii_lowercase) + word[place + 1 :]
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
