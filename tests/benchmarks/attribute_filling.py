"""What predicted attributes are worth on a real catalogue, a fifth of every field withheld.

``python -m tests.benchmarks.attribute_filling BUNDLE ITEMS --out REPORT.json [--fields 10]``

Of category, brand and the most filled attributes that can be learnt, each value is withheld from a fifth
of the items that have it, every field for itself. Every model learns from the other four fifths and
answers for the withheld one; the model to use, its threshold and its probabilities come from those four
fifths alone. The items take the place of the bundle's own rows, and ID embeddings are not read, so that
the bundle gives no withheld value away but for what its token vectors learnt of it as one item among
thousands. For none at all, train the bundle on the file that ``--withheld-out`` writes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from data.predicted.fields import field_names, value_of, with_value
from data.prepare import prepare_items
from data.records import Item
from data.tables import items_table, iter_items
from towers.attributes.filling import merged_items
from towers.attributes.item_features import Hidden, ItemFeatures
from towers.attributes.models import MODELS, fit_model, guess
from towers.attributes.prediction import predict_field, score_of
from towers.attributes.targets import RARE, Target, target_of
from towers.bundle.candidate_tables import CandidateTables
from towers.bundle.layout import Layout
from towers.config import config_from

_SHARE = 0.2


def chosen_fields(items: Sequence[Item], count: int) -> tuple[list[str], dict[str, str]]:
    """Category, brand and ``count`` attributes that can be learnt; and why others cannot."""
    chosen, left_out = [], {}
    for field in field_names(items):
        values = [value_of(item, field) for item in items]
        # Where every item has it, withholding makes the holes.
        target = target_of(field, [*values, ""])
        if isinstance(target, str):
            left_out[field] = target
        elif len(chosen) < count + 2:
            chosen.append(field)
    return chosen, left_out


def withheld(
    items: Sequence[Item], fields: Sequence[str], seed: int
) -> tuple[list[Item], dict[str, dict[int, str]]]:
    """The items without the withheld values, and these by field and row."""
    rng = np.random.default_rng(seed)
    left = list(items)
    answers: dict[str, dict[int, str]] = {}
    for field in fields:
        rows = np.array([row for row, item in enumerate(items) if value_of(item, field)])
        taken = rng.permutation(rows)[: int(len(rows) * _SHARE)].tolist()
        answers[field] = {row: value_of(items[row], field) for row in taken}
        for row in taken:
            left[row] = with_value(left[row], field, "")
    return left, answers


def measure(
    target: Target,
    answers: dict[int, str],
    features: ItemFeatures,
    models: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """All models on the withheld values of one field, and the chosen one's precision and coverage."""
    view = features.view(Hidden(target.field))
    rows = np.array(sorted(answers), np.int64)
    number_of = {value: number for number, value in enumerate(target.classes)}
    labels = np.array([number_of.get(answers[row], RARE) for row in rows.tolist()], np.int64)
    found = predict_field(target, view, rows, models=models, precision=0.95, seed=seed)
    known = target.filled[target.labels[target.filled] >= 0]
    scores: dict[str, Any] = {}
    for name in found.scores:
        began = time.perf_counter()
        fitted = fit_model(name, view, target.classes, known, target.labels[known], seed=seed)
        seconds = time.perf_counter() - began
        predicted = guess(fitted(rows), 1.0).classes
        score = score_of(
            predicted, labels, training_seconds=seconds, answer_microseconds=0.0, seed=seed
        )
        scores[name] = asdict(score)
    given = found.probabilities >= found.confidence.threshold
    right = found.classes == labels
    return {
        "withheld_count": len(rows),
        "filled_count": len(target.filled),
        "class_count": len(target.classes),
        "rare_share": float(np.mean(labels == RARE)),
        "chosen": found.model,
        "validation": {name: (one.accuracy, one.f1) for name, one in found.scores.items()},
        "models": scores,
        "accuracy": float(right.mean()),
        "threshold": found.confidence.threshold,
        "near_copies": None if found.near_copies is None else asdict(found.near_copies),
        "coverage": float(given.mean()),
        "precision": float(right[given].mean()) if given.any() else None,
        "given_count": int(given.sum()),
        "right_count": int((right & given).sum()),
        "calibration_gap": float(found.probabilities.mean() - right.mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("items", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fields", type=int, default=10)
    parser.add_argument("--only", action="append")
    parser.add_argument("--model", action="append")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--withheld-out", type=Path, help="Parquet file of the items to be filled.")
    options = parser.parse_args()
    items = list(iter_items(prepare_items(options.items, now=time.time())[0]))
    whole, merges = merged_items(items)
    fields, left_out = chosen_fields(whole, options.fields)
    left, answers = withheld(whole, fields, options.seed)
    if options.withheld_out:
        import pyarrow.parquet as pq

        pq.write_table(items_table(left), options.withheld_out)
    config = config_from(json.loads((options.bundle / "config.json").read_text()))
    table = CandidateTables.load(Layout(options.bundle).training).token_table
    features = ItemFeatures(left, config.text, table)
    report: dict[str, Any] = {"merges": len(merges), "left_out": left_out, "fields": {}}
    for field in options.only or fields:
        target = target_of(field, [value_of(item, field) for item in left])
        if isinstance(target, str):
            report["left_out"][field] = target
            continue
        models = options.model or MODELS
        found = measure(target, answers[field], features, models, options.seed)
        report["fields"][field] = found
        click.echo(
            f"{field}: {found['chosen']}, accuracy {found['accuracy']:.3f}, "
            f"coverage {found['coverage']:.3f} at precision {found['precision'] or 0:.3f}"
        )
        for name, one in found["models"].items():
            low, high = one["interval"]
            click.echo(
                f"  {name:20} {one['accuracy']:.3f} ({low:.3f}–{high:.3f})  "
                f"F1 {one['f1']:.3f}  {one['training_seconds']:.1f} s"
            )
        options.out.write_text(json.dumps(report, indent=1))
    given = sum(one["given_count"] for one in report["fields"].values())
    right = sum(one["right_count"] for one in report["fields"].values())
    asked = sum(one["withheld_count"] for one in report["fields"].values())
    click.echo(
        f"all: precision {right / max(given, 1):.4f} of {given:,} given, coverage {given / asked:.3f}"
    )
    for name, why in left_out.items():
        click.echo(f"left out: {name}: {why}")


if __name__ == "__main__":
    main()
