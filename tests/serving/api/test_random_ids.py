"""Ids are unlike each other, whichever thread asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from serving.api.random_ids import RandomIds


def test_threads_get_ids_of_128_bits_each_once() -> None:
    ids = RandomIds()
    with ThreadPoolExecutor(8) as threads:
        drawn = [*threads.map(lambda _: ids.next(), range(5_000))]
    assert len(set(drawn)) == 5_000
    assert all(len(one) == 32 and int(one, 16) < 1 << 128 for one in drawn)
    # Every digit is drawn: of 5,000 ids each of the 32 has all 16 values.
    assert all(len({one[place] for one in drawn}) == 16 for place in range(32))
