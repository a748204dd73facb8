"""For how many days the stock of items lasts by a forecast of demand, which a bundle may hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.records import STOCK_ATTRIBUTE
from towers.catalog.items import Catalog
from towers.read_only import freeze

_RATES_NAME, _SETTINGS_NAME = "rates.npy", "stock.json"


@dataclass(frozen=True, eq=False)
class StockCover:
    """The forecast of a bundle, beside what is in stock of its items (``STOCK_ATTRIBUTE``).

    Args:
        rates: ``[rows] float32`` pieces a day that are forecast to be bought; NaN where there is no
            forecast, as for items that were added since.
        horizon_days: The days that they are a mean of.
    """

    rates: np.ndarray
    horizon_days: int

    def __post_init__(self) -> None:
        freeze(self.rates)

    def rates_of(self, rows: np.ndarray) -> np.ndarray:
        """Pieces a day of some rows, ``[n] float64``; NaN where there is no forecast."""
        is_known = rows < len(self.rates)
        rates = np.full(len(rows), np.nan)
        rates[is_known] = self.rates[rows[is_known]]
        return rates

    def pieces(self, catalog: Catalog, rows: np.ndarray) -> np.ndarray:
        """Pieces in stock of some rows as of now, ``[n] float64``; NaN where the item does not say.

        0 where it cannot be bought, whatever the attribute says.
        """
        holders, codes = catalog.attributes.column(STOCK_ATTRIBUTE)
        pieces = np.full(max(catalog.count, int(rows.max(initial=-1)) + 1), np.nan)
        if len(holders):
            inside = holders < len(pieces)
            numbers = catalog.attributes.numbers(STOCK_ATTRIBUTE)
            pieces[holders[inside]] = numbers[codes[inside]]
        found = np.maximum(pieces[rows], 0.0)
        found[~catalog.in_stock[rows]] = 0.0
        return found

    def days(self, catalog: Catalog, rows: np.ndarray) -> np.ndarray:
        """Days that the stock of some rows lasts, ``[n] float64``: its pieces by those bought a day.

        NaN where stock or forecast is not known; infinite where nothing is forecast to be bought.
        """
        pieces, rates = self.pieces(catalog, rows), self.rates_of(rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            days = pieces / rates
        # Nothing of what nobody wants lasts no time, not an undefined one.
        days[(pieces == 0) & (rates == 0)] = 0.0
        return np.asarray(days)

    def rebased(self, old: Catalog, new: Catalog) -> StockCover:
        """The same in another catalogue, items by their ids."""
        rows = new.rows(old.item_ids[: len(self.rates)])
        rates = np.full(new.count, np.nan, np.float32)
        rates[rows[rows >= 0]] = self.rates[rows >= 0]
        return StockCover(rates, self.horizon_days)

    def save(self, folder: Path) -> None:
        """Writes the forecast into a new folder."""
        folder.mkdir()
        np.save(folder / _RATES_NAME, self.rates)
        settings = {"horizon_days": self.horizon_days}
        (folder / _SETTINGS_NAME).write_text(json.dumps(settings), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> StockCover | None:
        """What ``save`` wrote; None where there is no such folder."""
        if not folder.is_dir():
            return None
        settings = json.loads((folder / _SETTINGS_NAME).read_text(encoding="utf-8"))
        return cls(np.load(folder / _RATES_NAME, allow_pickle=False), **settings)
