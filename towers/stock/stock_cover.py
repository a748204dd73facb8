"""For how many days the stock of items lasts by a forecast of demand, which a bundle may hold."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data.records import STOCK_ATTRIBUTE
from towers.catalog.items import Catalog
from towers.read_only import freeze, read_only

_MASK_LIMIT = 64
"""Conditions whose masks are kept: more than a file of rules states."""
_RATES_NAME, _SETTINGS_NAME = "rates.npy", "stock.json"


@dataclass(frozen=True, eq=False, slots=True)
class _Columns:
    """``pieces`` and ``days`` of all items of a catalogue, ``[count] float64``, and masks of conditions.

    They hold while the catalogue has changed ``change_count`` times.
    """

    catalog: Catalog
    change_count: int
    pieces: np.ndarray
    days: np.ndarray
    masks: dict[tuple[float, float], np.ndarray]


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
    _kept: list[_Columns] = field(default_factory=list, init=False, repr=False)

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
        return _at(self._columns(catalog).pieces, rows)

    def days(self, catalog: Catalog, rows: np.ndarray) -> np.ndarray:
        """Days that the stock of some rows lasts, ``[n] float64``: its pieces by those bought a day.

        NaN where stock or forecast is not known; infinite where nothing is forecast to be bought.
        """
        return _at(self._columns(catalog).days, rows)

    def within(self, catalog: Catalog, below: float, above: float) -> np.ndarray:
        """Items whose stock lasts for fewer days than ``below`` and more than ``above``.

        Evaluated once a change of the catalogue.

        Returns:
            ``[count] bool``, read-only; false where stock or forecast is not known.
        """
        columns = self._columns(catalog)
        mask = columns.masks.get((below, above))
        if mask is None:
            # What nobody wants lasts for ever, which is more than any days and no fewer than ∞.
            is_few = (columns.days < below) | (below == np.inf)
            mask = read_only(is_few & (columns.days > above))
            if len(columns.masks) >= _MASK_LIMIT:
                columns.masks.clear()
            columns.masks[below, above] = mask
        return mask

    def _columns(self, catalog: Catalog) -> _Columns:
        # First, so that nothing computed during a change is kept as current.
        change_count = catalog.change_count
        for known in self._kept[:]:
            if known.catalog is catalog and known.change_count == change_count:
                return known
        pieces = _pieces_of_all(catalog)
        rates = np.full(len(pieces), np.nan)
        both = min(len(rates), len(self.rates))
        rates[:both] = self.rates[:both]
        with np.errstate(divide="ignore", invalid="ignore"):
            days = pieces / rates
        # Nothing of what nobody wants lasts no time, not an undefined one.
        days[(pieces == 0) & (rates == 0)] = 0.0
        columns = _Columns(catalog, change_count, pieces, days, {})
        self._kept[:] = [columns]
        return columns

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


def _pieces_of_all(catalog: Catalog) -> np.ndarray:
    count = catalog.count
    holders, codes = catalog.attributes.column(STOCK_ATTRIBUTE)
    pieces = np.full(count, np.nan)
    if len(holders):
        inside = holders < count
        numbers = catalog.attributes.numbers(STOCK_ATTRIBUTE)
        pieces[holders[inside]] = numbers[codes[inside]]
    pieces = np.maximum(pieces, 0.0)
    pieces[~catalog.in_stock[:count]] = 0.0
    return pieces


def _at(column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The values at some rows, ``[n] float64``; NaN for items that were added since."""
    found = np.full(len(rows), np.nan)
    inside = rows < len(column)
    found[inside] = column[rows[inside]]
    return found
