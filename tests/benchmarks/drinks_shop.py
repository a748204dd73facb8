"""A made-up coffee bar: every drink in every size, roast, milk and number of shots.

The wording is this file's own, as a shop would write its catalogue: sizes as ``16 oz``, the milk
before ``milk``. A drink without milk or with the shots of its recipe is an item as well.
"""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

DRINKS = {
    "Americano": "Hot coffee",
    "Cappuccino": "Hot coffee",
    "Coffee": "Hot coffee",
    "Drip coffee": "Hot coffee",
    "Espresso": "Hot coffee",
    "House coffee": "Hot coffee",
    "Iced coffee": "Iced coffee",
    "Iced mocha": "Iced coffee",
    "Latte": "Hot coffee",
    "Mocha": "Hot coffee",
}
SIZES = ("Small", "Medium", "Large", "8 oz", "12 oz", "16 oz", "20 oz")
ROASTS = ("light roast", "medium roast", "dark roast")
MILKS = ("", "whole milk", "skim milk", "soy milk", "almond milk", "cream")
SHOTS = ("", "single shot", "double shot", "triple shot")
COLUMNS = ("item_id", "title", "category", "price", "currency") + tuple(
    f"attributes.{name}" for name in ("size", "roast", "milk", "shots")
)
"""Of the CSV file."""


def write_drinks(folder: Path) -> int:
    """Writes ``items.csv`` into ``folder``, which is created, and returns the number of items."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "items.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        combinations = list(product(DRINKS, SIZES, ROASTS, MILKS, SHOTS))
        for number, (drink, size, roast, milk, shots) in enumerate(combinations, 1):
            title = ", ".join(filter(None, (f"{size} {drink.lower()}", roast, milk, shots)))
            price = 2.5 + 0.25 * (SIZES.index(size) % 4) + 0.4 * SHOTS.index(shots)
            category = f"Drinks > {DRINKS[drink]} > {drink}"
            writer.writerow(
                (f"drink-{number:04}", title, category, f"{price:.2f}", "USD")
                + (size, roast, milk, shots)
            )
    return len(combinations)
