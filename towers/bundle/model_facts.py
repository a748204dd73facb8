"""What serving must know of the models besides their files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towers.bundle.layout import Layout
from towers.config import Config
from towers.ranking.calibration import Calibration


@dataclass(frozen=True)
class ModelFacts:
    """What serving must know of the models besides their files.

    Args:
        known_types: Event types that the query tower was trained on.
        feature_names: Columns of the reranker, in order.
        feature_means: ``[features]`` over the training lists.
        counted_until: Time of the newest event in the popularity counts, seconds since 1970.
        items_time: When the items were as the catalogue has them: what a server was told of an
            item later it applies once more. Seconds since 1970.
        golden: Queries, and the items that the released bundle answered, to check a load by.
        calibration: From scores to purchase probabilities; None where too little was bought.
    """

    known_types: tuple[int, ...]
    feature_names: tuple[str, ...]
    feature_means: tuple[float, ...]
    counted_until: float
    items_time: float
    golden: tuple[Mapping[str, Any], ...] = ()
    calibration: Calibration | None = None


def write_facts(layout: Layout, config: Config, facts: ModelFacts) -> None:
    """Writes ``config.json`` and ``model.json``."""
    for path, tree in ((layout / "config.json", config), (layout.model, facts)):
        text = json.dumps(dataclasses.asdict(tree), indent=1, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")


def read_facts(layout: Layout) -> ModelFacts:
    """What ``write_facts`` wrote."""
    tree = json.loads(layout.model.read_text(encoding="utf-8"))
    return ModelFacts(
        tuple(tree["known_types"]),
        tuple(tree["feature_names"]),
        tuple(tree["feature_means"]),
        float(tree["counted_until"]),
        float(tree["items_time"]),
        tuple(tree["golden"]),
        Calibration.of(tree["calibration"]),
    )
