"""What was predicted for a catalogue, and by which models, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

_SPELLINGS_SHOWN = 20


def attribute_tables(report: Mapping[str, Any]) -> Iterator[Table | str]:
    """A table of all models for each field, one of what was filled, and the spellings merged."""
    fields = {name: one for name, one in report["attributes"].items() if "groups" in one}
    for name, one in fields.items():
        for group in one["groups"]:
            yield _models_table(name, group)
    if fields:
        yield _filled_table(report, fields)
    for name, one in report["attributes"].items():
        if "skipped" in one:
            yield f"{name} left out: {one['skipped']}"
    titles = report["titles"]
    if titles is not None and titles["short_count"]:
        yield (
            f"words for {titles['given_count']:,} of {titles['short_count']:,} short titles; of"
            f" {titles['validated_count']:,} titles cut short, {_short(titles['expected_precision'])}"
            " of the words given were right"
        )
    spellings = report["spellings"]
    if spellings:
        yield _spellings_table(spellings)


def _models_table(name: str, group: Mapping[str, Any]) -> Table:
    from towers.attributes.picture import MODEL_LABELS

    lacks = [label for key, label in (("text", "text"), ("pictures", "pictures")) if not group[key]]
    table = Table(
        title=f"{name}: {group['items']:,} items to fill"
        + (f", by models without {' and '.join(lacks)}" if lacks else ""),
        title_justify="left",
        caption="prec., rec. and F1: macro averages; s: of training; µs: of an answer"
        + _near_copies(group),
        caption_justify="left",
    )
    table.add_column("model", no_wrap=True)
    for heading in ("accuracy", "prec.", "rec.", "F1", "s", "µs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for model, score in group["models"].items():
        low, high = score["interval"]
        table.add_row(
            MODEL_LABELS[model],
            f"{_short(score['accuracy'])} ({_short(low)}–{_short(high)})",
            *(_short(score[measure]) for measure in ("precision", "recall", "f1")),
            f"{score['training_seconds']:.1f}",
            f"{score['answer_microseconds']:.0f}",
            style="bold" if model == group["model"] else "",
        )
    return table


def _near_copies(group: Mapping[str, Any]) -> str:
    """How alike held-out items and those to fill are."""
    copies = group["near_copies"]
    if copies is None:
        return ""
    return (
        f"\nwith a near-copy among those learnt from: {_short(copies['held_out'])} of held-out items,"
        f" {_short(copies['to_fill'])} of those to fill"
    )


def _short(share: float) -> str:
    """A share of 1 in three digits, so that a row fits a terminal: ``.961``."""
    return f"{share:.3f}".removeprefix("0")


def _filled_table(report: Mapping[str, Any], fields: Mapping[str, Any]) -> Table:
    table = Table(
        title=f"values given at a precision of {report['precision']:.2f} or more",
        title_justify="left",
        caption="expected precision: of validation items above the threshold, none of them learnt from",
        caption_justify="left",
    )
    table.add_column("attribute", no_wrap=True)
    for heading in ("have it", "values", "lack it", "given", "unsure", "unlike", "expected prec."):
        table.add_column(heading, justify="right")
    for name, one in fields.items():
        group = max(one["groups"], key=lambda part: part["items"])
        table.add_row(
            name,
            *(f"{one[key]:,}" for key in ("filled_count", "class_count", "missing_count")),
            *(f"{one[key]:,}" for key in ("given_count", "unsure_count", "unlike_count")),
            f"{group['expected_precision']:.3f}" if one["given_count"] else "–",
        )
    return table


def _spellings_table(spellings: list[Mapping[str, Any]]) -> Table:
    left = len(spellings) - _SPELLINGS_SHOWN
    table = Table(
        title=f"{len(spellings):,} spellings merged",
        title_justify="left",
        caption=f"and {left:,} more, in the file" if left > 0 else None,
        caption_justify="left",
    )
    for heading in ("attribute", "spelling", "becomes", "items", "why"):
        table.add_column(heading)
    for merge in sorted(spellings, key=lambda one: -one["count"])[:_SPELLINGS_SHOWN]:
        count = f"{merge['count']:,}"
        table.add_row(
            merge["field"], repr(merge["value"]), repr(merge["into"]), count, merge["why"]
        )
    return table
