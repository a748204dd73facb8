"""Which word of a query names the thing, and what the others are."""

from __future__ import annotations

import pytest

from towers.text.head_noun import WordShares
from towers.text.parsed_query import Role
from towers.text.query_rewriter import QueryRewriter, parsed_as_typed
from towers.text.title_heads import head_keys

THINGS = {"sofa": 0.6, "card": 0.3, "camera": 0.2, "keyboard": 0.2, "machin": 0.7, "mount": 0.1}
BRANDS = {"acm": 0.9, "appl": 0.4}


def shares(stem: str) -> WordShares:
    return WordShares(THINGS.get(stem, 0.0), BRANDS.get(stem, 0.0))


def roles(text: str) -> dict[str, Role]:
    rewriter = QueryRewriter({}, lambda stem: 100, lambda stem: 1.0, (), shares)
    query = rewriter.parse(text)
    heads = [term for term in query.terms if term.role is Role.HEAD]
    assert heads == ([query.head_term] if query.head_term is not None else [])
    return {term.word: term.role for term in query.terms}


@pytest.mark.parametrize(
    ("query", "head"),
    [
        # By position: the last content word before a preposition.
        ("red coat for women", "coat"),
        ("rubber duck", "duck"),
        ("lid with handle", "lid"),
        ("blue wool coat size 5", "size"),
        ("5 in vise", "vise"),
        # A single letter is part of a code.
        ("vitamin c", "vitamin"),
        ("bolt 8 mm", "bolt"),
        # A word that only qualifies is no head, wherever it stands.
        ("sofa red", "sofa"),
        ("coat women", "coat"),
        ("keyboard wireless", "keyboard"),
        # Nor is one that seldom names a thing beside one that often does.
        ("sofa brocade", "sofa"),
        ("sewing machine beginners", "machine"),
        ("camera card", "card"),
        # A brand is none beside other words.
        ("sofa acme", "sofa"),
        ("acme", "acme"),
        # Nothing else there is.
        ("red", "red"),
        ("for kids", "kids"),
        ("红色 连衣裙", "连衣裙"),
        ("手机壳 黑色", "壳"),
    ],
)
def test_the_head_noun_is_what_the_query_asks_for(query: str, head: str) -> None:
    assert [word for word, role in roles(query).items() if role is Role.HEAD] == [head]


@pytest.mark.parametrize("query", ["", "42", "1/2 5"])
def test_numbers_alone_name_nothing(query: str) -> None:
    assert Role.HEAD not in roles(query).values()
    assert parsed_as_typed(query).head_term is None


def test_the_other_words_have_the_role_in_which_they_go() -> None:
    assert roles("nice red acme wool sofa 2 m for kids room") == {
        "nice": Role.PRAISE,
        "red": Role.LOOK,
        "acme": Role.BRAND,
        "wool": Role.OTHER,
        "sofa": Role.HEAD,
        "2": Role.NUMBER,
        "m": Role.NUMBER,
        "for": Role.OTHER,
        "kids": Role.WEARER,
        "room": Role.IN_PHRASE,
    }
    assert list(Role) == sorted(Role) and Role.PRAISE < Role.WEARER < Role.LOOK < Role.NUMBER
    assert Role.NUMBER < Role.IN_PHRASE < Role.OTHER < Role.BRAND < Role.HEAD


@pytest.mark.parametrize(
    ("title", "head"),
    [
        ("Acme Wireless Headphones Black", "headphon"),
        ("Leather case for phones", "case"),
        ("Bosch drill, 18 V (box of 2)", "drill"),
        ("Kettle, 2 l, white", "kettl"),
        ("红色连衣裙", "连衣裙"),
        ("500", ""),
        ("", ""),
    ],
)
def test_the_head_noun_of_a_title_is_its_last_content_word(title: str, head: str) -> None:
    heads = head_keys(title, "")
    assert head in heads if head else not heads
