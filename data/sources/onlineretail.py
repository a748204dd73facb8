"""The UCI Online Retail file: a year of invoices of a British gift shop, in Parquet or CSV."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import pyarrow as pa

from data.errors import InputError
from data.records import EventType
from data.tables import EVENT_SCHEMA, ITEM_SCHEMA, RawShop, conform

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
"""The official columns; the country is not used."""

_DATE_FORMATS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S"]

_CSV_READER = (
    """read_csv($path, all_varchar = true, header = true, delim = ',', quote = '"', escape = '"')"""
)

_PRODUCT_CODE = r"^(\d{5}[A-Za-z]{0,3}|DCGS\w+)$"
"""Five digits and up to three letters for the variant, or a code of the shop's own range.

Other codes, ``POST``, ``BANK CHARGES``, ``gift_0001_20``, are charges, fees or vouchers.
"""

_LINES = """
    SELECT
        row_number() OVER () AS row,
        trim(InvoiceNo::VARCHAR) AS invoice,
        upper(trim(StockCode::VARCHAR)) AS code,
        trim(coalesce(Description::VARCHAR, '')) AS description,
        Quantity::BIGINT AS quantity,
        {time} AS time,
        UnitPrice::DOUBLE AS price,
        CASE WHEN CustomerID IS NULL THEN 'guest-' || trim(InvoiceNo::VARCHAR)
             ELSE (CustomerID::DOUBLE)::BIGINT::VARCHAR END AS visitor,
        CASE
            WHEN InvoiceNo IS NULL OR InvoiceDate IS NULL OR Quantity IS NULL
                THEN 'no invoice, date or quantity'
            WHEN NOT regexp_matches(trim(StockCode::VARCHAR), '{product_code}') THEN 'not a product'
            WHEN CustomerID IS NULL AND (UnitPrice::DOUBLE <= 0 OR Description IS NULL
                OR (Quantity::BIGINT < 0 AND trim(InvoiceNo::VARCHAR) NOT LIKE 'C%'))
                THEN 'stock correction'
        END AS fault
    FROM {reader}
"""

_ITEMS = """
    WITH flagged AS (
        SELECT *, epoch(time) < $before AS is_known FROM lines
    ), described AS (
        SELECT code, description, count(*) FILTER (is_known) AS known_count,
            -- Later lines name an item only if no line is known yet.
            if(known_count > 0, 0, count(*)) AS later_count,
            coalesce(min(row) FILTER (is_known), min(row)) AS first_row
        FROM flagged GROUP BY code, description
    ), newest AS (
        SELECT code,
            arg_max(price, time) FILTER (is_known AND quantity > 0 AND price > 0) AS price,
            min(time) FILTER (is_known) AS created_time, min(row) AS first_row
        FROM flagged GROUP BY code
    ), titled AS (
        SELECT code, first(description ORDER BY
            description = '', known_count DESC, later_count DESC, first_row) AS title
        FROM described GROUP BY code
    )
    SELECT code AS item_id, title, price, 'GBP' AS currency, created_time
    FROM newest JOIN titled USING (code) ORDER BY first_row
"""

_PRODUCT_LINES = """
    SELECT row, code, description, quantity, time, price FROM lines WHERE fault IS NULL ORDER BY row
"""

_EVENTS = f"""
    SELECT
        invoice || '-' || row_number() OVER (PARTITION BY invoice ORDER BY row) AS event_id,
        if(quantity < 0, {int(EventType.RETURN)}, {int(EventType.PURCHASE)}) AS type,
        visitor AS visitor_id, time, code AS item_id, invoice AS session_id,
        abs(quantity) AS quantity, price
    FROM lines WHERE fault IS NULL ORDER BY row
"""


def read_onlineretail(path: Path) -> RawShop:
    """A purchase for each line, or a return if its quantity is negative.

    An invoice is a session; a line without a customer belongs to a visitor ``guest-<InvoiceNo>``.
    An item's title is its most frequent description, its price that of the newest purchase, in
    pounds; it is listed from its first line on. Before its first line only its title is known,
    since a shop names an item before it sells it. Lines that are not products (postage, fees,
    vouchers) and stock corrections (no customer, and no price, no description or a negative
    quantity outside a credit note) are dropped and counted, as are lines without an invoice, date
    or quantity. Times are taken as UTC.

    Args:
        path: Parquet, or CSV in UTF-8, with the official columns.

    Raises:
        InputError: The file does not exist, cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the Online Retail file, found none")
    reader = "read_parquet($path)" if path.suffix == ".parquet" else _CSV_READER
    with duckdb.connect() as connection:
        try:
            head = connection.execute(f"SELECT * FROM {reader} LIMIT 0", {"path": str(path)})
            found = {name: str(type_) for name, type_, *_ in head.description or ()}
            missing = [name for name in COLUMNS if name not in found]
            if missing:
                raise InputError(
                    f"{path.name}: expected the columns {', '.join(COLUMNS)}, found no "
                    f"{', '.join(missing)} among {', '.join(found)}"
                )
            formats = ", ".join(f"'{text}'" for text in _DATE_FORMATS)
            is_text = found["InvoiceDate"] == "VARCHAR"
            time = f"strptime(InvoiceDate, [{formats}])" if is_text else "InvoiceDate"
            lines = _LINES.format(time=time, product_code=_PRODUCT_CODE, reader=reader)
            connection.execute(f"CREATE TABLE lines AS {lines}", {"path": str(path)})
            events = connection.sql(_EVENTS).to_arrow_table()
            product_lines = connection.sql(_PRODUCT_LINES).to_arrow_table()
            faults = connection.execute(
                "SELECT fault, count(*) FROM lines WHERE fault IS NOT NULL GROUP BY ALL ORDER BY 1"
            ).fetchall()
        except duckdb.Error as error:
            first_line = str(error).splitlines()[0]
            raise InputError(
                f"{path.name}: expected a readable Online Retail file, received: {first_line}"
            ) from error
    return RawShop(
        items=_items(product_lines),
        events=conform(events, EVENT_SCHEMA),
        judgments=None,
        dropped={("events", fault): count for fault, count in faults},
        items_at=lambda time: _items(product_lines, time),
    )


def _items(product_lines: pa.Table, before: float = math.inf) -> pa.Table:
    with duckdb.connect() as connection:
        connection.register("lines", product_lines)
        items = connection.sql(_ITEMS, params={"before": before}).to_arrow_table()
    return conform(items, ITEM_SCHEMA)
