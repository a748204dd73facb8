"""Posting lists answer as sets of each document's stems do, also after documents were put again."""

from __future__ import annotations

import random
from collections.abc import ValuesView
from pathlib import Path
from typing import Any

import numpy as np

from data.records import Item
from towers.indexes.inverted.item_documents import Document
from towers.indexes.inverted.posting_lists import PostingLists, PostingWriter
from towers.indexes.lexical_index import LexicalIndex
from towers.text.parsed_query import Alternatives

_STEMS = [f"s{number}" for number in range(30)]


def _document(row: int, rng: random.Random) -> Document:
    # The first stems are in most documents, the last in few or none.
    kept = [stem for place, stem in enumerate(_STEMS) if rng.random() < 1.2 / (place + 1)]
    return Document(row, {"title": kept[::2], "rest": [*kept[1::2], *kept[:1]]}, (), {})


def _has_all(document: Document, requirements: list[Alternatives]) -> bool:
    stems = {stem for of_field in document.stems.values() for stem in of_field}
    return all(any(stems.issuperset(one) for one in several) for several in requirements)


def _requirements(rng: random.Random) -> list[Alternatives]:
    return [
        tuple(
            tuple(rng.choices(_STEMS, k=rng.choice((1, 1, 2))))
            for _ in range(rng.choice((1, 1, 3)))
        )
        for _ in range(rng.choice((1, 2, 3)))
    ]


def _check(lists: PostingLists, documents: dict[int, Document], rng: random.Random) -> None:
    for stem in [*_STEMS, "unknown"]:
        expected = sorted(row for row, one in documents.items() if _has_all(one, [((stem,),)]))
        assert lists.of(stem).tolist() == expected
    for _ in range(100):
        required = _requirements(rng)
        found = lists.with_all(required)
        assert found.dtype == np.int64
        assert found.tolist() == sorted(
            row for row, one in documents.items() if _has_all(one, required)
        )


def test_rows_are_those_of_the_documents_however_often_they_are_put(tmp_path: Path) -> None:
    rng = random.Random(5)
    documents = {row: _document(row, rng) for row in range(400)}
    writer = PostingWriter()
    for document in documents.values():
        writer.add(document)
    writer.save(tmp_path)
    lists = PostingLists.load(tmp_path)
    _check(lists, documents, rng)
    assert not len(lists.with_all([]))
    # New ones, and old ones, with others of the same row in one change.
    for rows in (range(400, 420), [3, 3, 418, 420], [0, 399, 3, 418, 418], []):
        changes = [_document(row, rng) for row in rows]
        lists.put(changes)
        documents.update({one.row: one for one in changes})
        _check(lists, documents, rng)


def test_a_document_put_again_in_the_midst_of_a_look_is_seen(tmp_path: Path) -> None:
    writer = PostingWriter()
    for row in range(2):
        writer.add(Document(row, {"title": ["milk"]}, (), {}))
    writer.save(tmp_path)
    lists = PostingLists.load(tmp_path)

    class Slow(dict[str, Any]):
        """Another thread puts a document once a reader has seen what had been put before."""

        def get(self, stem: str, default: Any = None) -> Any:
            found = super().get(stem, default)
            lists._put = dict(self)
            lists.put([Document(0, {"title": ["milk", "oat"]}, (), {})])
            return found

    lists._put = Slow(lists._put)
    assert lists.of("milk").tolist() == [0, 1]
    assert lists.of("oat").tolist() == [0]


def test_while_documents_are_put_again_none_of_them_vanishes(tmp_path: Path) -> None:
    writer = PostingWriter()
    for row in range(50):
        writer.add(Document(row, {"title": ["milk"]}, (), {}))
    writer.save(tmp_path)
    lists = PostingLists.load(tmp_path)
    seen: list[int] = []

    class Read(dict[str, list[str]]):
        """The stems of a document, whose reading by the writer is a moment for a reader."""

        def values(self) -> ValuesView[list[str]]:
            seen.append(len(lists.of("milk")))
            return super().values()

    lists.put([Document(row, Read(title=["milk", f"s{row}"]), (), {}) for row in range(50)])
    assert seen == [50] * 50
    assert len(lists.of("milk")) == 50


def test_an_index_without_documents_finds_none(tmp_path: Path) -> None:
    PostingWriter().save(tmp_path)
    lists = PostingLists.load(tmp_path)
    assert not len(lists.of("shoe"))
    lists.put([Document(0, {"title": ["shoe"]}, (), {})])
    assert lists.of("shoe").tolist() == [0]


def test_a_saved_index_that_has_changed_is_loaded_with_its_changes(tmp_path: Path) -> None:
    index = LexicalIndex.build([Item("a", "Red lamp"), Item("b", "Blue lamp")])
    index.put([(0, Item("a", "Green chair")), (2, Item("c", "Oak lamp"))])
    index.save(tmp_path)
    loaded = LexicalIndex.load(tmp_path)
    for text in ("lamp", "red lamp", "chair", "oak lamp", "green"):
        of_loaded, of_index = (
            sorted(one.complete_rows(one.parse(text)).tolist()) for one in (loaded, index)
        )
        assert of_loaded == of_index
    assert loaded.complete_rows(loaded.parse("lamp")).tolist() == [1, 2]
