"""Hashes of items' texts, by which a change of price or stock is told from a change of words."""

from __future__ import annotations

import hashlib

from data.records import Item

UNKNOWN = 0
"""Key of a row whose text was not recorded; no item has it."""


def text_key(item: Item) -> int:
    """A 64-bit hash of all words of an item: title, description, category, brand and attributes.

    Attributes may be in any order: formats that carry items need not keep it.

    Raises:
        UnicodeEncodeError: A text has half a surrogate pair.
    """
    texts = (item.title, item.description, item.brand, *item.category)
    facts = [text for pair in sorted(item.worded_attributes.items()) for text in pair]
    # With their lengths, so that no two lists of texts are joined into the same one.
    lengths = ",".join(map(str, (*map(len, texts), -1, *map(len, facts))))
    joined = "".join((lengths, ":", *texts, *facts))
    digest = hashlib.blake2b(joined.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1
