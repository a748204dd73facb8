"""Metadata of the models that serving needs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.records import LogPosition
from towers.bundle.layout import Layout
from towers.config import Config
from towers.ranking.calibration import Calibration


@dataclass(frozen=True)
class ModelMetadata:
    """Metadata of the models that serving needs.

    Args:
        known_types: Event types that the query tower was trained on.
        feature_names: Columns of the reranker, in order.
        feature_means: ``[features]`` over the training lists.
        counted_until: Time of the newest event in the counts, seconds since 1970.
        items_time: Time of the catalogue's data: a server reapplies later item changes. Seconds
            since 1970.
        golden: Queries with the item ids of the released bundle's answers, to verify a load.
        calibration: From scores to purchase probabilities; None where there are too few purchases.
        log_positions: For each log of the service that the training events come from, the last
            entry that was read.
    """

    known_types: tuple[int, ...]
    feature_names: tuple[str, ...]
    feature_means: tuple[float, ...]
    counted_until: float
    items_time: float
    golden: tuple[Mapping[str, Any], ...] = ()
    calibration: Calibration | None = None
    log_positions: tuple[LogPosition, ...] = ()

    def has_counted(self, time: float) -> bool:
        """Whether the counts include a training event of this time, seconds since 1970.

        Only for events known to be among the training events: any other event may be stamped with
        an earlier time. Compared in microseconds, the precision of the tables.
        """
        return round(time * 1e6) <= round(self.counted_until * 1e6)

    def has_counted_entry(self, sequence: int, time: float, *, last_read: int) -> bool:
        """Whether the counts include an event of a log of the service.

        They do if training has read it and did not withhold it for testing.

        Args:
            sequence: Its sequence number in the log.
            time: Seconds since 1970.
            last_read: The largest sequence number of ``log_positions`` in that log; 0 if it has
                none of them, and so is another log than those of the training events.
        """
        return sequence <= last_read and self.has_counted(time)


def write_facts(layout: Layout, config: Config, facts: ModelMetadata) -> None:
    """Writes ``config.json`` and ``model.json``."""
    for path, tree in ((layout / "config.json", config), (layout.model, facts)):
        text = json.dumps(dataclasses.asdict(tree), indent=1, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")


def read_facts(layout: Layout) -> ModelMetadata:
    """What ``write_facts`` wrote."""
    tree = json.loads(layout.model.read_text(encoding="utf-8"))
    return ModelMetadata(
        tuple(tree["known_types"]),
        tuple(tree["feature_names"]),
        tuple(tree["feature_means"]),
        float(tree["counted_until"]),
        float(tree["items_time"]),
        tuple(tree["golden"]),
        Calibration.of(tree["calibration"]),
        tuple(LogPosition(*pair) for pair in tree.get("log_positions", ())),
    )
