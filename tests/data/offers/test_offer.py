"""An offer that contradicts itself is refused, and the field is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.offers.offer import Fault, Offer, OfferKind, fault_of

GOOD = Offer(
    "o1",
    OfferKind.COUPON,
    item_ids=("p1",),
    percent_off=10.0,
    start_time=100.0,
    end_time=200.0,
    budget=0.0,
    visitor_limit=1,
)


def test_a_good_offer_has_no_fault() -> None:
    assert fault_of(GOOD) is None
    assert fault_of(Offer("s", OfferKind.SERVICE, categories=(("Dairy", "Milk"),))) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"offer_id": ""}, Fault("offer_id", "1 to 128 characters", "")),
        ({"offer_id": "a\n"}, Fault("offer_id", "no control characters", "a\n")),
        ({"offer_id": "a" * 129}, Fault("offer_id", "at most 128 characters", 129)),
        (
            {"kind": OfferKind.UNSPECIFIED},
            Fault("kind", "one of coupon, promotion, service", "unspecified"),
        ),
        ({"item_ids": ()}, Fault("item_ids", "items, or categories beside them", "neither")),
        ({"item_ids": ("",)}, Fault("item_ids", "1 to 128 characters", "")),
        (
            {"item_ids": tuple(map(str, range(50_001)))},
            Fault("item_ids", "at most 50,000", 50_001),
        ),
        (
            {"categories": (("Dairy", ""),)},
            Fault("categories", "paths of one level or more, none empty", ("Dairy", "")),
        ),
        (
            {"categories": (("Dairy",),) * 1_001},
            Fault("categories", "at most 1,000", 1_001),
        ),
        ({"percent_off": -5.0}, Fault("percent_off", "above 0 to 100", -5.0)),
        ({"percent_off": 101.0}, Fault("percent_off", "above 0 to 100", 101.0)),
        (
            {"percent_off": None, "amount_off": -1.0},
            Fault("amount_off", "above 0 to 1,000,000,000,000", -1.0),
        ),
        ({"amount_off": 1.0}, Fault("amount_off", "none beside percent_off", 1.0)),
        (
            {"end_time": 90.0},
            Fault("end_time", "a time after start_time", "10 s before or at it"),
        ),
        ({"end_time": float("inf")}, Fault("end_time", "a year of 1 to 9999", float("inf"))),
        ({"budget": -1.0}, Fault("budget", "0 or more and finite", -1.0)),
        ({"visitor_limit": 0}, Fault("visitor_limit", "1 to 1,000,000", 0)),
        ({"text": "a" * 1_025}, Fault("text", "at most 1,024 characters", 1_025)),
    ],
)
def test_the_first_fault_names_its_field(change: dict[str, object], fault: Fault) -> None:
    assert fault_of(replace(GOOD, **change)) == fault  # type: ignore[arg-type]


def test_a_value_that_is_no_number_is_refused() -> None:
    for name in ("percent_off", "budget"):
        fault = fault_of(replace(GOOD, **{name: float("nan")}))  # type: ignore[arg-type]
        assert fault is not None
        assert fault.field == name


@pytest.mark.parametrize(
    ("time", "is_live"), [(99.0, False), (100.0, True), (199.9, True), (200.0, False)]
)
def test_it_holds_from_its_start_to_before_its_end(time: float, is_live: bool) -> None:
    assert GOOD.is_live(time) is is_live


def test_without_start_and_end_it_always_holds() -> None:
    assert replace(GOOD, start_time=None, end_time=None).is_live(0.0)
