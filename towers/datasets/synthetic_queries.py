"""Search queries generated from the catalogue, for shops without a query log."""

from __future__ import annotations

import random
import string

from towers.catalog.items import Catalog

_TYPO_SHARE = 0.12
_TRUNCATION_SHARE = 0.12
_GOLDEN_COUNT = 5


def catalogue_query(
    catalog: Catalog, row: int, rng: random.Random, *, has_errors: bool = True
) -> str:
    """A plausible query for the item at ``row``; empty if it has no text at all.

    One of: its title, some words of the title in order, adjacent or not, its narrowest category, its
    brand with either. With ``has_errors`` a word is sometimes truncated or has a typo.
    """
    title = catalog.titles[row].split()
    category = catalog.category(row)[-1:]
    brand = catalog.brand_name(row)
    alternatives: list[list[str]] = []
    if title:
        start = rng.randrange(len(title)) if len(title) > 4 else 0
        length = rng.randint(1, 4)
        scattered = sorted(rng.sample(range(len(title)), min(len(title), length + 1)))
        alternatives += [title[start : start + length], [title[position] for position in scattered]]
        alternatives += [title[:3], title]
    if category:
        alternatives += [list(category), list(category)]
    if brand and (title or category):
        alternatives.append([brand, *(category or title[:2])])
    if not alternatives:
        return brand.lower()
    chosen = [word for part in rng.choice(alternatives) for word in part.split()]
    if has_errors:
        _add_error(chosen, rng)
    return " ".join(chosen).lower()


def with_errors(query: str, rng: random.Random) -> str:
    """The query, sometimes with a word truncated or with a typo, as ``catalogue_query`` has them."""
    words = query.split()
    _add_error(words, rng)
    return " ".join(words)


def _add_error(words: list[str], rng: random.Random) -> None:
    if not words:
        return
    if rng.random() < _TYPO_SHARE:
        position = rng.randrange(len(words))
        words[position] = with_typo(words[position], rng)
    elif rng.random() < _TRUNCATION_SHARE:
        words[-1] = words[-1][: max(3, len(words[-1]) - rng.randint(1, 4))]


def golden_queries(catalog: Catalog, seed: int) -> list[str]:
    """Queries for the golden answers of a bundle; empty ones are left out."""
    rng = random.Random(seed)
    rows = [rng.randrange(catalog.count) for _ in range(_GOLDEN_COUNT)]
    return [query for row in rows if (query := catalogue_query(catalog, row, rng))]


def with_typo(word: str, rng: random.Random) -> str:
    """The word with one letter deleted, doubled, substituted or transposed; not for short words."""
    if len(word) < 4 or not word.isascii():
        return word
    position = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:position] + word[position + 1 :]
    if kind == 1:
        return word[:position] + word[position] + word[position:]
    if kind == 2:
        return word[:position] + rng.choice(string.ascii_lowercase) + word[position + 1 :]
    return word[:position] + word[position + 1] + word[position] + word[position + 2 :]
