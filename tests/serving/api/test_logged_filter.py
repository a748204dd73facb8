"""A filter comes back from the log as it was."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from serving.api.filter_codec import logged_filter
from serving.api.requests import AttributeCondition, Filter


@pytest.mark.parametrize(
    "condition",
    [
        Filter(),
        Filter(("Dairy", "Milk"), ("Oaty",), 1.0, 2.5, in_stock_only=True),
        Filter(
            attributes=(
                AttributeCondition("size", ("S", "M")),
                AttributeCondition("weight", (), 1.0, 2.0),
            )
        ),
    ],
)
def test_a_filter_survives_the_json_of_the_log(condition: Filter) -> None:
    assert logged_filter(json.loads(json.dumps(asdict(condition)))) == condition
    assert logged_filter({}) == Filter()
