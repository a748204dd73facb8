"""The head noun of a query, which names the thing itself, and the order in which its other words may go.

In English the last content word before a preposition ("red dress for women"), unless it only qualifies
and another word names a kind of item ("sofa red", "sofa velvet"); in Chinese the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from towers.text.parsed_query import Role, Term
from towers.text.words import stem

PREPOSITIONS = frozenset(("at", "by", "for", "from", "in", "on", "to", "under", "with", "without"))

_PRAISE = """
    amazing awesome beautiful best better cheap cheapest cool cute durable excellent fancy fine good
    great latest lovely modern new newest nice original perfect popular premium pretty quality
    recommended stylish super top trendy 便宜 好 好看 优质 高端 新款 时尚 漂亮 热门
"""
_WEARERS = """
    adult adults baby boy boys child children female gents girl girls infant junior kid kids ladies
    lady male man men mens s teen teens toddler unisex woman women womens youth 儿童 女 女士 女式
    女款 婴儿 宝宝 成人 男 男士 男式 男款
"""
_LOOKS = """
    adjustable aluminium aluminum automatic beige big black blue brown colorful colourful compact
    cordless cotton dark digital electric foldable folding gold golden gray green grey heavy huge indigo
    indoor khaki large leather lightweight little long magenta maroon medium metal mini multicolor narrow
    navy outdoor pink plastic portable purple rechargeable red round silver slim small smart soft
    stainless steel tall teal thick thin tiny transparent turquoise velvet violet waterproof white wide
    wired wireless wooden xl xs xxl yellow 中号 大 大号 小 小号 无线 橙色 灰色 白色 米色 粉色 紫色 红色
    绿色 蓝色 金色 银色 黄色 黑色 棕色 深色 浅色
"""


class WordShares(NamedTuple):
    """What the index knows of a word.

    Args:
        head: Share of the items with a stem that have it as head noun of the title, or in the category.
        brand: Share of the items with a stem that have it in the brand.
    """

    head: float
    brand: float


def unknown_shares(stem: str) -> WordShares:
    """Without an index: roles are by position and word lists alone."""
    return WordShares(0.0, 0.0)


_ROLE_OF = {
    word: role
    for role, words in ((Role.LOOK, _LOOKS), (Role.WEARER, _WEARERS), (Role.PRAISE, _PRAISE))
    for word in words.split()
}
_LEAST_SHARE = 0.1
"""Least share of a head noun, relative to the largest one in the query."""
_BRAND_SHARE = 0.5
"""Least share of the items with a word that have it as their brand."""
_UNIT_LENGTH = 2
"""A word of so few letters behind a number is a unit."""


def modifier_role(word: str) -> Role | None:
    """The role of a word that only qualifies whatever it stands beside; None for other words.

    A single letter is part of a code or size, as the "t" of "t-shirt" and the "c" of "vitamin c".
    """
    is_code = word[0].isdigit() or (len(word) == 1 and word.isascii())
    return _ROLE_OF.get(word, Role.NUMBER if is_code else None)


def with_roles(terms: Sequence[Term], shares_of: Callable[[str], WordShares]) -> tuple[Term, ...]:
    """The terms of a query, in order, with their roles; at most one of them is the head."""
    before, behind = _phrases(terms)
    by_word = {term.word: modifier_role(term.word) for term in terms}
    units = {
        unit.word
        for number, unit in pairwise(terms)
        if len(unit.word) <= _UNIT_LENGTH and by_word[number.word] is Role.NUMBER
    }
    found: dict[str, Role] = {}
    head_shares: dict[str, float] = {}
    for phrase, role in ((before, Role.OTHER), (behind, Role.IN_PHRASE)):
        for word in (term.word for term in phrase):
            of_modifier = Role.NUMBER if word in units else by_word[word]
            found[word] = role if of_modifier is None else of_modifier
    for term in terms:
        if found.get(term.word, Role.PRAISE) >= Role.IN_PHRASE:
            head_shares[term.word], brand_share = _shares(term, shares_of)
            if brand_share >= _BRAND_SHARE:
                found[term.word] = Role.BRAND
    head = _head(found, head_shares)
    if head is not None:
        found[head] = Role.HEAD
    # Not by ``_replace``, which takes ten times as long.
    return tuple([Term(*term[:-1], found.get(term.word, Role.OTHER)) for term in terms])


def _head(roles: Mapping[str, Role], head_shares: Mapping[str, float]) -> str | None:
    """The last word that often names a thing, or the last one where none does.

    Of words before a preposition, else behind it, else of brands, else of modifiers but numbers.
    """
    for role in (Role.OTHER, Role.IN_PHRASE, Role.BRAND):
        words = [word for word, of_word in roles.items() if of_word is role]
        least = _LEAST_SHARE * max((head_shares[word] for word in words), default=0.0)
        often = [word for word in words if head_shares[word] >= least]
        if often:
            return often[-1]
    words = [word for word, role in roles.items() if role is not Role.NUMBER]
    return words[-1] if words else None


def _phrases(terms: Sequence[Term]) -> tuple[list[Term], list[Term]]:
    """The required terms before the first preposition that follows one, and those behind it."""
    before: list[Term] = []
    for position, term in enumerate(terms):
        # "5 in vise": behind a number it is the unit.
        if before and term.word in PREPOSITIONS and not before[-1].word[0].isdigit():
            return before, [other for other in terms[position:] if other.is_required]
        if term.is_required:
            before.append(term)
    return before, []


def _shares(term: Term, shares_of: Callable[[str], WordShares]) -> WordShares:
    """The largest shares of a term's word and of the best one that replaces it."""
    replaced = (term.translations or term.corrections)[:1]
    if not replaced:
        return shares_of(stem(term.word))
    found = [shares_of(one) for one in (stem(term.word), *(other.stems[-1] for other in replaced))]
    return WordShares(max(one.head for one in found), max(one.brand for one in found))
