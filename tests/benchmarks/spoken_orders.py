"""Search by voice, measured on spoken orders of drinks against a made-up coffee bar.

    python -m tests.benchmarks.spoken_orders CLIPS.zip --work FOLDER [--count N] [--part all]

``CLIPS.zip`` holds WAV files and ``labels.json``: by file name, the ``slots`` as said (``coffeeDrink``,
``size``, ``roast``, ``numberOfShots``, ``milkAmount``, ``sugarAmount``; Picovoice's speech-to-intent
benchmark). The shop of ``drinks_shop`` is built in FOLDER by ``nextclick prepare`` and ``train`` if it is
not there yet, and every clip goes through the same engine that a server runs. An item is right if it is
the drink as said; it is exact if all that was said of size, roast, milk and shots is true of it. The
shop has no sugar. Words are wrong if they are in a slot, and not in the sentence that was heard; what
else was said is not in the labels. Every third clip (``--part held``) is for a last look.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from data.errors import RequestError
from serving.api.requests import SearchRequest
from serving.engine import Engine
from serving.load.process_usage import resident_mb
from serving.voice.voice_requests import VoiceRequest
from serving.voice.voice_search import VoiceSearch
from tests.benchmarks.drinks_shop import MILKS, write_drinks
from tests.benchmarks.processes import ROOT

FIRST = 3
"""Results among which an item is looked for."""

_DIGITS = {"eight": "8", "twelve": "12", "sixteen": "16", "twenty": "20", "ounce": "oz"}
_SPELLINGS = {
    **_DIGITS,
    "ounces": "oz",
    "8oz": "8 oz",
    "12oz": "12 oz",
    "16oz": "16 oz",
    "20oz": "20 oz",
}
_AMOUNTS = {"a", "lot", "lots", "of", "little", "bit", "some"}
"""Words of slots that no search needs."""

Item = Mapping[str, str]
Slots = Mapping[str, str]


def words(text: str) -> list[str]:
    """Words with sizes as the shop writes them, amounts left out."""
    found = re.findall(r"[a-z]+|\d+(?:oz)?", text.lower())
    spelt = " ".join(_SPELLINGS.get(word, word) for word in found).split()
    return [word for word in spelt if word not in _AMOUNTS]


def is_drink(item: Item, slots: Slots) -> bool:
    """Whether an item is the drink as said."""
    return item["category"].rpartition(" > ")[2].lower() == slots["coffeeDrink"].strip()


def is_exact(item: Item, slots: Slots) -> bool:
    """Whether an item is all that was said of it."""
    said_milk = slots.get("milkAmount", "")
    milks = [milk for milk in MILKS if milk and milk in said_milk]
    milk = item["attributes.milk"]
    return is_drink(item, slots) and all(
        (
            "size" not in slots or words(item["attributes.size"]) == words(slots["size"]),
            item["attributes.roast"] == slots.get("roast", item["attributes.roast"]),
            item["attributes.shots"] == slots.get("numberOfShots", item["attributes.shots"]),
            not said_milk or (milk == milks[0] if milks else "milk" in milk),
        )
    )


def wrong_words(slots: Slots, text: str) -> tuple[int, int]:
    """Words of the slots that a text lacks, and all of them."""
    said = Counter(word for slot in slots.values() for word in words(slot))
    return (said - Counter(words(text))).total(), said.total()


def built_shop(work: Path) -> tuple[Path, dict[str, Item]]:
    """The bundle of the shop, trained unless it is there, and its items by id."""
    raw, tables, bundle = work / "raw", work / "tables", work / "bundle"
    if not bundle.is_dir():
        write_drinks(raw)
        for words_ in (
            ("prepare", "files", str(raw), "--out", str(tables)),
            ("train", str(tables), "--out", str(bundle), "--no-evaluation"),
        ):
            subprocess.run([sys.executable, "-m", "serving.cli", *words_], cwd=ROOT, check=True)
    with (raw / "items.csv").open(encoding="utf-8", newline="") as file:
        return bundle, {row["item_id"]: row for row in csv.DictReader(file)}


def measured(engine: Engine, items: Mapping[str, Item], clips: Mapping[str, Any]) -> dict[str, Any]:
    """What the searches of ``clips``, audio and slots by name, found."""
    voice = VoiceSearch(engine)
    right = exact = first = missed = said = unheard = 0
    seconds: list[float] = []
    failures: list[dict[str, Any]] = []
    cpu = 0.0
    for number, (name, (audio, slots)) in enumerate(
        track(clips.items(), "hearing", console=Console(stderr=True))
    ):
        request = VoiceRequest(audio, SearchRequest("", page_size=FIRST, record=False))
        if number == 0:
            # It loads the model.
            voice.search(request)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        query, text, results = "", "", []
        try:
            answer = voice.search(request)
            query, text = answer.transcripts[0].query, answer.transcripts[0].text
            results = [items[one.item_id] for one in answer.answer.results]
        except RequestError:
            unheard += 1
        seconds.append(time.perf_counter() - begin)
        cpu += time.process_time() - begin_cpu
        right += any(is_drink(item, slots) for item in results)
        are_exact = [is_exact(item, slots) for item in results]
        exact += any(are_exact)
        first += are_exact[:1] == [True]
        lacking, total = wrong_words(slots, text)
        missed, said = missed + lacking, said + total
        if not any(are_exact):
            titles = [item["title"] for item in results]
            failures.append({"clip": name, "slots": slots, "query": query, "titles": titles})
    count = len(clips)
    return {
        "clips": count,
        f"drink in the first {FIRST}": right / count,
        f"exact combination in the first {FIRST}": exact / count,
        "exact combination first": first / count,
        "words of the slots missed": missed / said,
        "not understood": unheard,
        "median s a clip": median(seconds),
        "slowest s": max(seconds),
        "CPU s a clip": cpu / count,
        "load average": os.getloadavg()[0],
        "RSS MB": resident_mb(os.getpid()),
        "failures": failures,
    }


def read_clips(path: Path, part: str, count: int | None) -> dict[str, Any]:
    """Audio and slots by file name, in the order of the names."""
    with zipfile.ZipFile(path) as archive:
        paths = {name.rpartition("/")[2]: name for name in archive.namelist()}
        labels = json.loads(archive.read(paths["labels.json"]))
        names = [
            name
            for number, name in enumerate(sorted(labels))
            if part == "all" or (number % 3 == 2) == (part == "held")
        ]
        return {name: (archive.read(paths[name]), labels[name]["slots"]) for name in names[:count]}


@click.command()
@click.argument("clips", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--work", required=True, type=click.Path(path_type=Path), help="Folder of the shop.")
@click.option("--part", type=click.Choice(["all", "fitted", "held"]), default="all")
@click.option("--count", type=int, help="Only so many clips.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, failures as well.")
def main(clips: Path, work: Path, part: str, count: int | None, as_json: bool) -> None:
    """Search by voice for the orders in CLIPS."""
    bundle, items = built_shop(work)
    engine = Engine.open(bundle)
    try:
        figures = measured(engine, items, read_clips(clips, part, count))
    finally:
        engine.close()
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False, indent=2))
        return
    table = Table("figure", "value")
    for name, value in figures.items():
        if name != "failures":
            table.add_row(name, f"{value:,.3f}" if isinstance(value, float) else f"{value:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
