"""Actions of the made-up shop: learnt, calibrated, released with the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from towers.bundle.bundle import load_bundle


def test_the_shop_teaches_every_action_and_they_are_predicted_better_than_by_chance(
    shop_bundle: Path, shop_metrics: dict[str, Any]
) -> None:
    report = shop_metrics["actions"]
    assert report["learnt_from"] == "replayed answers"
    model = load_bundle(shop_bundle).action_model
    assert model is not None
    assert list(report["actions"]) == list(model.names)
    assert {"click", "add_to_cart", "purchase"} <= set(model.names)
    for name, measured in report["actions"].items():
        assert measured["auc"] > 0.7, name
        assert measured["ece"] < 0.01, name
    assert (shop_bundle / "reliability.png").read_bytes().startswith(b"\x89PNG")
