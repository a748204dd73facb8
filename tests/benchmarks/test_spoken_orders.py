"""What the benchmark of spoken orders counts as right."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.benchmarks.drinks_shop import write_drinks
from tests.benchmarks.spoken_orders import is_drink, is_exact, wrong_words


def test_an_order_names_as_many_items_as_what_it_leaves_open(tmp_path: Path) -> None:
    assert write_drinks(tmp_path) == 10 * 7 * 3 * 6 * 4
    with (tmp_path / "items.csv").open(encoding="utf-8", newline="") as file:
        items = list(csv.DictReader(file))
    for slots, drinks, exact in (
        ({"coffeeDrink": "mocha"}, 504, 504),
        ({"coffeeDrink": "mocha", "size": "sixteen ounce"}, 504, 504 // 7),
        ({"coffeeDrink": "mocha", "roast": "dark roast", "size": "large"}, 504, 504 // 21),
        # Of five milks four are called milk; sugar is not sold.
        (
            {"coffeeDrink": "latte", "milkAmount": "a lot of milk", "sugarAmount": " sugar"},
            504,
            336,
        ),
        ({"coffeeDrink": "latte", "milkAmount": "some soy milk", "numberOfShots": "double shot"},)
        + (504, 504 // 24),
    ):
        assert sum(is_drink(item, slots) for item in items) == drinks
        assert sum(is_exact(item, slots) for item in items) == exact


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("16oz triple shot latte with soy milk", 0),
        ("sixteen ounce latte, soy milk, triple shot", 0),
        ("16 oz latte with soy milk", 2),
        ("", 7),
    ],
)
def test_words_of_the_slots_that_a_query_lacks_are_counted(query: str, wrong: int) -> None:
    slots = {
        "coffeeDrink": "latte",
        "size": "sixteen ounce",
        "numberOfShots": "triple shot",
        "milkAmount": "a lot of soy milk",
    }
    assert wrong_words(slots, query) == (wrong, 7)
