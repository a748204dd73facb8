"""What is kept of stems is never older than the change it is kept under."""

from __future__ import annotations

from data.records import Item
from towers.indexes.inverted.stem_versions import StemCache, StemVersions
from towers.indexes.lexical_index import LexicalIndex


def test_a_value_holds_until_the_documents_of_its_stem_change() -> None:
    versions = StemVersions()
    cache: StemCache[str, int] = StemCache(versions, 10)
    assert cache.of("shoe", "shoe", lambda: 1) == 1
    versions.advance(["hat"])
    assert cache.of("shoe", "shoe", lambda: 2) == 1
    versions.advance(["shoe"])
    assert cache.of("shoe", "shoe", lambda: 3) == 3
    versions.advance(None)
    assert cache.of("shoe", "shoe", lambda: 4) == 4


def test_what_an_older_state_knows_is_not_kept_as_of_a_newer_change() -> None:
    versions = StemVersions()
    cache: StemCache[str, int] = StemCache(versions, 10)
    before = versions.number
    versions.advance(["shoe"])
    # A search that began before the change asks its own state after it.
    assert cache.of("shoe", "shoe", lambda: 0, before) == 0
    assert cache.of("shoe", "shoe", lambda: 1, versions.number) == 1


def test_a_search_that_began_before_a_change_hides_no_new_item() -> None:
    index = LexicalIndex.build([Item("old", "Red lamp")])
    inverted = index._index
    before = inverted._queries
    index.put([(1, Item("new", "Zorblax lamp"))])
    assert not any(before.frequencies("zorblax").values())
    assert inverted.frequency("zorblax") == 1
