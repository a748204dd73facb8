"""The comparison of versions sends both the same calls, and its figures follow from the rounds."""

from __future__ import annotations

from collections import Counter

import pytest

from protos import discovery_pb2
from tests.benchmarks.processes import ROOT
from tests.benchmarks.version_traffic import (
    RECOMMEND,
    RECORD,
    SEARCH,
    Shop,
    decoded,
    mixed_calls,
)
from tests.benchmarks.versions import measure_load, measure_single_requests, summary
from tests.towers import shelf

SHOP = Shop([f"i{number}" for number in range(9)], ["Red oak table", "Blue pine chair with arms"])


def test_calls_are_six_searches_to_three_pages_to_one_event_and_the_same_again() -> None:
    calls = mixed_calls(SHOP, 5_000, "a")
    kinds = Counter(path for path, _ in calls)
    shares = [kinds[path] / len(calls) for path in (SEARCH, RECOMMEND, RECORD)]
    assert shares == pytest.approx([0.6, 0.3, 0.1], abs=0.03)
    assert mixed_calls(SHOP, 5_000, "a") == calls
    assert mixed_calls(SHOP, 5_000, "b") != calls


def test_visitors_are_replaced_so_that_sessions_do_not_grow_with_the_rate() -> None:
    visitors = [
        discovery_pb2.SearchItemsRequest.FromString(message).visitor_id
        for path, message in decoded(mixed_calls(SHOP, 4_000, "a"))
        if path == SEARCH
    ]
    # Ten calls a visitor, six of them searches.
    assert len(visitors) / len(set(visitors)) == pytest.approx(6, rel=0.2)
    assert not set(visitors[:500]) & set(visitors[-500:])


def test_the_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # The machine is twice as slow in the second round: the ratios agree, the medians do not matter.
    rounds = {
        "before": [{"calls/s": 100.0}, {"calls/s": 50.0}, {"calls/s": 120.0}],
        "after": [{"calls/s": 400.0}, {"calls/s": 200.0}, {"calls/s": 600.0}],
    }
    assert summary(rounds) == {"calls/s": {"before": 100.0, "after": 400.0, "ratio": 4.0}}


@pytest.mark.slow
def test_real_servers_of_two_folders_are_measured_side_by_side() -> None:
    bundle = shelf.bundle_folder()
    sources = dict.fromkeys(("before", "after"), (ROOT, bundle))
    catalog = shelf.catalog()
    shop = Shop(list(catalog.item_ids), list(catalog.titles))
    loads = measure_load(sources, shop, (1, 8), rounds=1, seconds=0.2, client_count=2)
    assert list(loads) == ["1 caller", "8 callers"]
    for case in loads.values():
        for (figures,) in case.values():
            assert figures["errors"] == 0
            assert 0 < figures["p50 ms"] <= figures["p99 ms"]
            assert figures["server CPU ms/call"] > 0
            assert figures["server RSS MB"] > 10
    singles = measure_single_requests(sources, shop, rounds=1)
    assert {name for kind in singles.values() for name in kind} == {"before", "after"}
    assert all(figures[0]["CPU ms"] > 0 for kind in singles.values() for figures in kind.values())
