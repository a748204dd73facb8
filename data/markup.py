"""Plain text of texts with HTML: without tags, entities and web addresses."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from data.records import Item

SUSPECT = r"[<&]|(?i:https?://|www\.)"
"""What a text with any of them contains; the pattern is valid in Python and in RE2."""

_SUSPECT = re.compile(SUSPECT)
_ROUNDS = 3
"""An export may escape what another has escaped already: ``&amp;lt;b&amp;gt;``."""

_INLINE = (
    "a|abbr|b|bdi|bdo|big|cite|code|del|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike"
    "|strong|sub|sup|tt|u|var|wbr"
)
_BLOCKS = (
    "address|article|aside|audio|blockquote|body|br|button|canvas|caption|center|col|colgroup|dd"
    "|details|dfn|dialog|dir|div|dl|dt|embed|fieldset|figcaption|figure|footer|form|frame|frameset"
    "|h[1-6]|head|header|hgroup|hr|html|iframe|img|input|legend|li|link|main|map|menu|meta|nav"
    "|noscript|object|ol|optgroup|option|p|param|picture|pre|progress|ruby|rp|rt|section|select"
    "|source|summary|svg|path|table|tbody|td|template|textarea|tfoot|th|thead|time|title|tr|track|ul"
    "|video|[a-z]+:[a-z]+"
)
_DROPPED = re.compile(
    r"<!--.*?(?:-->|$)|<(script|style)\b[^>]*>.*?(?:</\1\s*>|$)|<!\[CDATA\[|\]\]>|<[!?][a-z][^>]*>",
    re.IGNORECASE | re.DOTALL,
)
# Only the names of HTML, and attributes only with a value, so that "x<y" and "a <b and c> d" stay.
# Values in quotes may hold ">".
_REST = r"(?=\s*/?>|\s[^<>]*=)(?:\"[^\"<]*\"|'[^'<]*'|[^<>\"'])*>"
_INLINE_TAG = re.compile(rf"</?(?=[a-z])(?:{_INLINE}){_REST}", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?=[a-z])(?:{_BLOCKS}){_REST}", re.IGNORECASE)
_CUT_OFF_TAG = re.compile(rf"<(?=[a-z])(?:{_INLINE}|{_BLOCKS})\s+[a-z-]+\s*=[^<>]*$", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_OPEN_ENTITY = re.compile(r"&(nbsp|amp|quot|lt|gt)(?![a-zA-Z0-9;=])")
"""Entities that exports cut off; of the others, "&copy" may be a parameter of an address."""

_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9])(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.IGNORECASE
)
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def has_markup(text: str) -> bool:
    """Whether ``plain_text`` may change more of a text than its blanks."""
    return _SUSPECT.search(text) is not None


def plain_text(text: str) -> str:
    """A text as a browser would show it, in one line, without the addresses in it.

    Tags of HTML and entities (escaped twice as well) are resolved, "a < b" and "AT&T" are kept; scripts,
    styles and comments are dropped. A text without any of them is returned unchanged.
    """
    if not has_markup(text):
        return text
    plain = text
    for _ in range(_ROUNDS):
        before = plain
        plain = _without_tags(plain)
        plain = _ENTITY.sub(lambda match: html.unescape(match[0]), plain)
        plain = _OPEN_ENTITY.sub(lambda match: html.unescape(f"&{match[1]};"), plain)
        if plain == before:
            break
    plain = _ADDRESS.sub(" ", plain)
    return text if plain == text else _BLANKS.sub(" ", plain).strip()


def without_markup(item: Item) -> Item:
    """An item with the ``plain_text`` of its fields; the same object where nothing has changed."""
    texts = (item.title, item.description, item.brand, *item.category, *item.attributes.values())
    if not any(map(has_markup, texts)):
        return item
    return replace(
        item,
        title=plain_text(item.title),
        description=plain_text(item.description),
        category=tuple(filter(None, map(plain_text, item.category))),
        brand=plain_text(item.brand),
        attributes={name: plain_text(text) for name, text in item.attributes.items()},
    )


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    text = _DROPPED.sub(" ", text)
    text = _BLOCK_TAG.sub(" ", text)
    return _CUT_OFF_TAG.sub(" ", _INLINE_TAG.sub("", text))
