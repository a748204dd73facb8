"""The mission's example: a phone shop's shopper, by way of every placement, at a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.api.requests import Placement
from tests.serving.phone_shop import QUERY, Shopper, Shown, lines, shopping, story, trained


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("phones"))


def told(bundle: Path, *, is_content: bool) -> dict[str, Shown]:
    """The pages of the story by the first word of their names."""
    with shopping(bundle) as shopper:
        pages = [*story(shopper, is_content=is_content)]
    return {page.name.partition(" ")[0].rstrip(","): page for page in pages}


def kinds(page: Shown) -> set[str]:
    return {one.item_id.rstrip("0123456789") for one in page.answer.results}


def reasons(page: Shown) -> list[str]:
    return [one.reason for one in page.answer.results]


def test_each_placement_answers_what_it_is_for_and_says_why(bundle: Path) -> None:
    pages = told(bundle, is_content=True)
    found = pages["search"].answer.results
    assert kinds(pages["search"]) == {"phone"}
    assert reasons(pages["search"]) == [f"为您找到“{QUERY}”"] * 5
    a, b, c = found[:3]
    number = b.item_id.removeprefix("phone")

    assert "phone" in kinds(pages["home"])
    assert all(reason.startswith("因为您看过") for reason in reasons(pages["home"]))
    assert {a.item_id, c.item_id} & {one.item_id for one in pages["item"].answer.results}
    assert b.item_id not in {one.item_id for one in pages["item"].answer.results}
    # With a phone in the cart no phone, but its case, and why.
    assert "phone" not in kinds(pages["cross_sell"])
    reason_of = {one.item_id: one.reason for one in pages["cross_sell"].answer.results}
    assert f"case{number}" in reason_of
    assert any(reason == f"因为您的购物车里有{b.title}" for reason in reason_of.values())

    # Cases by their coupon and the phones of the sale; never coffee before them.
    offers = {one.item_id: one.offer_id for one in pages["promotion"].answer.results}
    assert {*offers.values()} <= {"case-10", "s9-sale"} and "case-10" in offers.values()
    said = {"case-10": "优惠中：手机壳立减10元", "s9-sale": "优惠中：星河新年促销"}
    assert reasons(pages["promotion"]) == [said[offer] for offer in offers.values()]
    assert pages["coupons"].offers[0].offer_id == "case-10"
    assert "coffee-20" not in {one.offer_id for one in pages["coupons"].offers}

    # After the purchase its film and chargers, no other phone, and a service.
    after = pages["after_sales"]
    assert not {"phone", "coffee", "cooker"} & kinds(after)
    ids = [one.item_id for one in after.answer.results]
    assert f"film{number}" in ids and {"charger1", "charger2"} & {*ids}
    assert set(reasons(after)) == {f"因为您买过{b.title}"}
    (care,) = after.offers
    assert (care.offer_id, care.text) == ("care", "碎屏险一年")
    assert care.reason.text.endswith(f"{b.title}感兴趣")


def test_after_a_bad_review_other_phones_replace_it(bundle: Path) -> None:
    pages = told(bundle, is_content=False)
    b = pages["search"].answer.results[1]
    after = pages["after_sales"]
    assert kinds(after) == {"phone"}
    assert b.item_id not in {one.item_id for one in after.answer.results}
    assert set(reasons(after)) == {f"可替换不合您意的{b.title}"}


def test_a_lower_price_than_the_list_price_is_on_offer_without_a_coupon(bundle: Path) -> None:
    with shopping(bundle) as shopper:
        page = _everything_on_offer(shopper)
    charger = next(one for one in page.answer.results if one.item_id == "charger2")
    assert (charger.offer_id, charger.earlier_price, charger.reason) == (
        "",
        149.0,
        "原价149.00，现已降价",
    )
    assert any("charger2" in line and "原价149.00" in line for line in lines(page))


def _everything_on_offer(shopper: Shopper) -> Shown:
    return shopper.page("promotion", Placement.PROMOTION, size=50)
