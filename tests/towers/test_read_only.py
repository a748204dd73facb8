"""Arrays of frozen values cannot be written to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from data.synthetic import END_TIME
from tests.towers import shelf
from towers.read_only import freeze, read_only
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session


def arrays_of(value: Any) -> Iterator[tuple[str, np.ndarray]]:
    for one in fields(value):
        content = getattr(value, one.name)
        if isinstance(content, np.ndarray):
            yield f"{type(value).__name__}.{one.name}", content


def test_no_array_of_a_request_on_its_way_can_be_written_to() -> None:
    ranker = shelf.ranker()
    session = Session.empty("v").after(shelf.view("p0004", END_TIME - 60))
    encoded = ranker.read(RankRequest(session, END_TIME, mask=np.ones(240, bool)))
    found, shortlist = ranker.candidates(encoded), ranker.ranked(encoded)
    values = (encoded.rank_request, encoded, encoded.inputs, encoded.summary, found, shortlist)
    arrays = [pair for value in values for pair in arrays_of(value)]
    assert len(arrays) == 3 + 1 + 7 + 7 + 2 + 6
    for name, array in arrays:
        assert not array.flags.writeable, name


def test_a_read_only_view_leaves_the_array_itself_as_it_is() -> None:
    array = np.arange(3)
    view = read_only(array)
    array[0] = 7
    assert view.tolist() == [7, 1, 2] and read_only(view) is view
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


def test_a_frozen_array_can_no_longer_be_written_to() -> None:
    one, other = np.arange(3), np.zeros(2)
    freeze(one, other)
    for array in (one, other):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
