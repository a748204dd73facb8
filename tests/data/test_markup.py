"""Texts as a browser shows them: no tags, entities or addresses, and nothing else is lost."""

from __future__ import annotations

import html
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.clean import clean_items
from data.markup import plain_text, without_markup
from data.records import Item
from data.tables import items_table, iter_items


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Wool&nbsp;scarf</p><p>Hand&nbsp;wash</p>", "Wool scarf Hand wash"),
        ("CO<sub>2</sub> meter", "CO2 meter"),
        ('<img src="a.png" alt="x > y"/>Desk lamp', "Desk lamp"),
        ("Desk<BR/>lamp<br >white", "Desk lamp white"),
        ("Salt &amp; pepper", "Salt & pepper"),
        ("Salt &amp;amp; pepper", "Salt & pepper"),
        ("&lt;b&gt;Mill&lt;/b&gt; 20&#8243; &#x41;", "Mill 20″ A"),
        ("&amp;lt;ul&amp;gt;&amp;lt;li&amp;gt;Oak&amp;lt;/li&amp;gt;", "Oak"),
        ("<style>p{color:red}</style>Oak<script>if(a<b)x()</script> table", "Oak table"),
        ("<!-- sold out --> Oak <!DOCTYPE html> table", "Oak table"),
        ('Oak table <a href="https://shop.example/very', "Oak table"),
        ("Manual: https://shop.example/a?b=1&copy=2#c, paper", "Manual: paper"),
        ("说明书www.shop.example/x。正品", "说明书 。正品"),
        ("Salt &amp", "Salt &"),
    ],
)
def test_markup_is_resolved_as_a_browser_does(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "depth < 5 cm", "x<y>z", "a <b and c> d", "Screws <5 mm", "I <3 tea", "AT&T, M&M's, R&D",
        "R&reg and Tom&copyright", "Size <M>", "  two  blanks ", "f(x) <p", "", "a & b; c",
        "wwwhat https", "5 > 3",
    ],
)  # fmt: skip
def test_signs_that_are_no_markup_stay(text: str) -> None:
    assert plain_text(text) == text


@given(st.lists(st.text("ax<>&;/='\"5", min_size=1, max_size=6), max_size=6))
def test_a_text_that_is_escaped_reads_as_before(words: list[str]) -> None:
    text = " ".join(words)
    assert plain_text(html.escape(text)) == plain_text(text)


@given(st.text("<>&;abp/=\"' !-#x1", max_size=60))
def test_plain_text_has_no_tag_that_another_round_would_find(text: str) -> None:
    assert len(plain_text(text)) <= len(text)
    assert plain_text(plain_text(plain_text(text))) == plain_text(plain_text(text))


@pytest.mark.parametrize(
    "part", ["<", "<a ", '<a b="', "<p a='", "&", "<!--", "<script>", "&amp;", "http://", "<b =\"'"]
)
def test_hostile_text_costs_no_more_than_its_length(part: str) -> None:
    text = part * (8_192 // len(part))
    start = time.process_time()
    plain_text(text)
    assert time.process_time() - start < 1.0


MARKED = Item(
    "a&amp;b",
    "Tea &amp; coffee",
    "<p>Hot</p>",
    ("Home &amp; Garden", "<br>"),
    "H&amp;M",
    attributes={"note": "<b>fresh</b>", "link": "https://shop.example/a", "size": "2 < 3"},
)
PLAIN = Item(
    "a&amp;b",
    "Tea & coffee",
    "Hot",
    ("Home & Garden",),
    "H&M",
    attributes={"note": "fresh", "link": "", "size": "2 < 3"},
)


def test_every_text_of_an_item_is_stripped_and_its_id_is_not() -> None:
    assert without_markup(MARKED) == PLAIN
    assert without_markup(PLAIN) == PLAIN


def test_rows_of_a_table_are_stripped_and_counted() -> None:
    others = [Item("x", "Plain", attributes={"size": "1"}), Item("y", "R&D", category=("A", "B"))]
    table = items_table([*others, MARKED, others[0]])
    clean, losses = clean_items(table.slice(1, 2))
    found = list(iter_items(clean))
    assert found[0] == others[1]
    assert found[1].title == PLAIN.title and found[1].attributes == PLAIN.attributes
    assert found[1].category[0] == "Home & Garden"
    assert [loss.sentence for loss in losses] == [
        "stripped the texts of 1 of 2 items: HTML tags, entities or web addresses"
    ]
    assert clean_items(items_table(others))[1] == []
