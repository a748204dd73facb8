"""Results are cached within the byte limit, the largest not at all."""

from __future__ import annotations

import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from towers.indexes.result_cache import ResultCache

ROOM = 1_000_000


class SystemRankings:
    """Works answers out, and counts how often."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.count = 0

    def __call__(self) -> np.ndarray:
        self.count += 1
        return np.arange(self.length)


def test_what_is_asked_again_is_not_worked_out_again() -> None:
    kept: ResultCache[str, np.ndarray] = ResultCache(ROOM)
    asked, empty = SystemRankings(5), SystemRankings(0)
    assert kept.of("milk", asked) is kept.of("milk", asked)
    assert len(kept.of("none", empty)) == len(kept.of("none", empty)) == 0
    assert asked.count == empty.count == 1


def test_all_that_is_kept_fits_the_room_however_much_is_asked() -> None:
    kept: ResultCache[int, np.ndarray] = ResultCache(ROOM)
    answers = {}
    for number in range(3_000):
        answers[number] = kept.of(number, SystemRankings(number))
        still = [answers[n] for n in answers if n in kept]
        assert sum(map(sys.getsizeof, still)) <= kept.byte_count <= ROOM
        # By hand: what is over the eighth is never among them, the newest of the others always.
        is_long = (8 * number + 1_000) * 8 > ROOM
        assert (number in kept) != is_long


def test_both_arrays_of_an_answer_take_room() -> None:
    kept: ResultCache[str, tuple[np.ndarray, ...]] = ResultCache(ROOM)
    kept.of("milk", lambda: (np.zeros(100, np.int64), np.zeros(100, np.float32)))
    assert 1_200 <= kept.byte_count <= 3_000
    kept.of("long", lambda: (np.zeros(10_000), np.zeros(10_000)))
    assert kept.byte_count <= 3_000


def test_a_short_answer_takes_room_too_so_that_their_number_is_limited() -> None:
    kept: ResultCache[int, np.ndarray] = ResultCache(10_000)
    for number in range(1_000):
        kept.of(number, SystemRankings(0))
        assert len(kept) <= 10


def test_long_questions_take_room_too_whatever_they_are_made_of() -> None:
    def asked(number: int) -> tuple[object, ...]:
        """As the words of a long query are asked for: for each of them, the stems of each way."""
        texts = [f"word {number} {position}" for position in range(42)]
        return tuple(((text, text.upper()), (text.title(),)) for text in texts), frozenset(texts)

    kept: ResultCache[tuple[object, ...], np.ndarray] = ResultCache(ROOM)
    tracemalloc.start()
    for number in range(40):
        kept.of(asked(number), SystemRankings(0))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(kept) == 40 and taken <= kept.byte_count
    for number in range(300):
        kept.of(asked(number), SystemRankings(0))
        assert kept.byte_count <= ROOM
    assert 0 < len(kept) < 100
    kept.of(("x" * ROOM,), SystemRankings(0))
    assert ("x" * ROOM,) not in kept


def test_what_was_not_asked_for_longest_leaves_first() -> None:
    kept: ResultCache[int, np.ndarray] = ResultCache(100_000)
    asked = SystemRankings(1_000)
    for number in range(200):
        # Nine others at most have room beside it.
        kept.of(-1, asked)
        kept.of(number, SystemRankings(1_000))
    assert asked.count == 1
    assert 199 in kept and 0 not in kept


def test_many_threads_get_the_right_answers_and_stay_within_the_room() -> None:
    kept: ResultCache[int, np.ndarray] = ResultCache(100_000)

    def ask(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        return all(
            len(kept.of(number, lambda number=number: np.zeros(number))) == number
            and kept.byte_count <= 100_000
            for number in rng.integers(0, 1_500, 2_000).tolist()
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))


def test_nobody_can_write_to_what_all_share() -> None:
    kept: ResultCache[str, tuple[np.ndarray, ...]] = ResultCache(100_000)
    for array in kept.of("two", lambda: (np.zeros(3), np.ones(3))):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 9.0
    assert [array.tolist() for array in kept.of("two", lambda: ())] == [[0.0] * 3, [1.0] * 3]
