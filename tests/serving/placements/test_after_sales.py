"""A real server follows a purchase, a bad review and a return; each expectation from a small log."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.errors import RequestError
from data.offers.offer import Offer, OfferKind
from data.records import Event, EventType
from serving.api.answers import Answer, EmptyReason
from serving.api.requests import Placement, RecommendRequest
from serving.edge.client import Client
from tests.serving.offers.test_offer_server import running
from tests.serving.placements.small_log import (
    BAD_PHONE,
    BEANS,
    BUY,
    CASE,
    CASES,
    CATALOG,
    COFFEE,
    FILTERS,
    NOW,
    OTHER_BEANS,
    OTHER_PHONE,
    PATHS,
    PHONE,
    PHONES,
    RETURN,
    REVIEW,
    did,
    small_log_bundle,
)
from tests.towers import shelf
from towers.after_sales.after_sales import AfterSales
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_log_bundle(tmp_path_factory.mktemp("after-sales") / "bundle")


@pytest.fixture
def client(bundle: Path, tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state", bundle) as client:
        yield client


def after_sales(client: Client, *item_ids: str, visitor: str = "v", size: int = 100) -> Answer:
    request = RecommendRequest(Placement.AFTER_SALES, visitor, item_ids, size, explain=True)
    return client.recommend(request)


def ids_of(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


def title(item_id: str) -> str:
    return CATALOG.titles[CATALOG.row_of[item_id]]


def sentence(item_id: str, english: str, chinese: str) -> str:
    return english if title(item_id).isascii() else chinese


def test_what_people_buy_days_later_follows_a_purchase(client: Client) -> None:
    client.record([did("v", BUY, PHONE, 3.0)])
    answer = after_sales(client)
    assert ids_of(answer) == [CASE]
    (one,) = answer.results
    named = title(PHONE)
    assert one.reason == sentence(CASE, f"because you bought {named}", f"因为您买过{named}")
    (lift,) = one.adjustments
    assert lift.name == "after_sales"
    # All forty go on to a case, and of 98 visits that are followed by another 40 are.
    share, base = (40 + 5 * 40 / 98) / (40 + 5), 40 / 98
    assert lift.amount == pytest.approx(math.log(share / base), abs=1e-5)


def test_the_items_of_the_page_count_as_just_bought(client: Client) -> None:
    assert ids_of(after_sales(client, PHONE, visitor="")) == [CASE]
    client.record([did("v", BUY, BEANS, 30.0)])
    # The page is about what it names, and not about the visitor's other purchases.
    assert ids_of(after_sales(client, PHONE)) == [CASE]


def test_a_phone_nobody_bought_is_followed_by_what_follows_its_category(client: Client) -> None:
    answer = after_sales(client, PHONES[5])
    assert set(ids_of(answer)) <= {*CASES} and CASE in ids_of(answer)
    kind = PATHS[0][-1]
    expected = sentence(CASE, f"because you bought from {kind}", f"因为您买过{kind}类商品")
    assert answer.results[ids_of(answer).index(CASE)].reason == expected


def test_after_a_purchase_no_substitute_unless_people_buy_it_again(
    client: Client, bundle: Path
) -> None:
    client.record([did("v", BUY, PHONE, 1.0), did("w", BUY, BEANS, 1.0)])
    # A quarter of them did go on to another phone.
    tables = AfterSales.load(Layout(bundle).after_sales)
    followers, _ = tables.by_item.after(CATALOG.row_of[PHONE])
    assert CATALOG.row_of[OTHER_PHONE] in followers
    assert not {*ids_of(after_sales(client))} & {*PHONES}
    # Beans are bought again and again: others of their kind may follow, they themselves not yet.
    found = ids_of(after_sales(client, visitor="w"))
    assert OTHER_BEANS in found and BEANS not in found


def test_a_consumable_is_shown_again_once_it_is_due(client: Client) -> None:
    client.record([did("v", BUY, BEANS, 4.0), did("w", BUY, BEANS, 9.0)])
    assert BEANS not in ids_of(after_sales(client))
    answer = after_sales(client, visitor="w")
    reasons = {one.item_id: one.reason for one in answer.results}
    assert reasons[BEANS] == sentence(
        BEANS, "you bought it 9 days ago, and may need it again", "您9天前买过，可能又需要了"
    )


@pytest.mark.parametrize(("type_", "rating"), [(REVIEW, 1.0), (RETURN, None)])
def test_after_a_bad_review_or_a_return_a_replacement_leads(
    client: Client, type_: EventType, rating: float | None
) -> None:
    client.record([did("v", BUY, PHONE, 2.0), did("v", type_, PHONE, 1.0, rating)])
    answer = after_sales(client)
    found = ids_of(answer)
    assert found and PHONE not in found and {*found} <= {*PHONES}
    assert OTHER_PHONE in found
    # Liked less than the one that did not suit.
    assert BAD_PHONE not in found
    named = title(PHONE)
    assert {one.reason for one in answer.results} == {
        sentence(
            one.item_id, f"instead of {named}, which did not suit you", f"可替换不合您意的{named}"
        )
        for one in answer.results
    }


def test_replacements_stand_before_what_else_is_bought_later(client: Client) -> None:
    client.record([did("v", BUY, PHONE, 3.0), did("v", RETURN, OTHER_PHONE, 2.0)])
    found = ids_of(after_sales(client))
    assert CASE in found
    # What was kept is a phone too, so that it is no replacement of the other.
    assert PHONE not in found and OTHER_PHONE not in found
    assert {*found[: found.index(CASE)]} <= {*PHONES} and found.index(CASE) > 0


def test_whoever_has_bought_another_one_since_needs_no_replacement(client: Client) -> None:
    client.record([did("v", RETURN, OTHER_PHONE, 3.0), did("v", BUY, PHONE, 2.0)])
    assert ids_of(after_sales(client)) == [CASE]


def test_an_old_complaint_leads_only_a_page_about_its_item(client: Client) -> None:
    def replaces(answer: Answer) -> bool:
        return any(
            "which did not suit" in one.reason or "可替换" in one.reason for one in answer.results
        )

    client.record([did("v", BUY, CASE, 100.0), did("v", RETURN, PHONE, 91.0)])
    client.record([did("w", BUY, CASE, 100.0), did("w", RETURN, PHONE, 89.0)])
    old = after_sales(client)
    assert old.results and not replaces(old) and PHONE not in ids_of(old)
    assert replaces(after_sales(client, PHONE))
    assert replaces(after_sales(client, visitor="w"))


def test_a_good_review_counts_as_a_purchase_and_takes_a_bad_one_back(client: Client) -> None:
    client.record([did("v", REVIEW, PHONE, 0.002, 1.0)])
    assert CASE not in ids_of(after_sales(client))
    client.record([did("v", REVIEW, PHONE, 0.001, 5.0)])
    assert ids_of(after_sales(client)) == [CASE]


def test_services_of_what_was_bought_come_with_it(client: Client) -> None:
    repair = Offer("repair", OfferKind.SERVICE, (PHONE,), text="延长保修")
    elsewhere = Offer("descale", OfferKind.SERVICE, (BEANS,))
    coupon = Offer("coupon", OfferKind.COUPON, (PHONE,))
    client.update_offers([repair, elsewhere, coupon])
    answer = after_sales(client, PHONE)
    (one,) = answer.services
    assert (one.offer_id, one.kind, one.text) == ("repair", OfferKind.SERVICE, "延长保修")
    assert one.reason.text == f"因为您对{title(PHONE)}感兴趣"
    home = client.recommend(RecommendRequest(Placement.HOME, "v"))
    assert home.services == ()


def test_it_needs_something_that_was_bought_reviewed_or_returned(client: Client) -> None:
    expected = (
        "item_ids: expected 1 or more items of the catalogue,"
        " or a visitor with a purchase, a review or a return"
    )
    client.record([Event("e1", EventType.VIEW, "v", NOW - 5.0, PHONE)])
    for item_ids in ((), ("unknown",), ("unknown", "gone")):
        with pytest.raises(RequestError, match=expected):
            after_sales(client, *item_ids)
    with pytest.raises(RequestError, match="item_ids: expected 0 to 100, received 101"):
        after_sales(client, *[f"i{number}" for number in range(101)])
    # A known one among unknown ones is enough.
    assert ids_of(after_sales(client, "unknown", PHONE)) == [CASE]


def test_where_nothing_is_known_to_follow_the_answer_says_so(client: Client) -> None:
    answer = after_sales(client, FILTERS[0])
    assert (answer.results, answer.empty_reason) == ((), EmptyReason.NOTHING_GOES_ON)


def test_a_bundle_without_the_tables_still_replaces(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(shelf.bundle_folder(), folder)
    shutil.rmtree(Layout(folder).after_sales)
    sign(folder, NOW)
    with running(tmp_path / "state", folder) as client:
        client.record([did("v", RETURN, PHONE, 1.0)])
        found = ids_of(after_sales(client))
        assert found and {*found} <= {*PHONES} - {PHONE}


def test_the_categories_of_this_test_are_apart() -> None:
    leaves = [np.unique(CATALOG.leaf[CATALOG.rows(part)]) for part in (PHONES, CASES, COFFEE)]
    assert len({int(one[0]) for one in leaves}) == 3 and all(len(one) == 1 for one in leaves)
