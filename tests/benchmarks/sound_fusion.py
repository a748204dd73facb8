"""Fusion of words and sounds beside concatenation and either alone, for items with poor titles.

    python -m tests.benchmarks.sound_fusion

A made shop that sells recordings: tones, chords, noises and rhythms in three registers. Old items are
called after what they are; new ones are called "recording", as all are, and nothing else. The encoder
learns from the old ones as ``nextclick train`` does, the towers from made queries. Searched for are the
whole titles, among the new items; similar items are the nearest of each new item among all others.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from data.records import Item
from tests.benchmarks.fusion import PoorShop, compared, show
from tests.quick_training import Silence
from tests.towers.modalities.tones import file_of, sound
from towers.catalog.items import Catalog
from towers.config import AudioConfig, Config
from towers.datasets.dataset import Dataset
from towers.modalities.modality_list import SOUND
from towers.training.images.image_encoding import encoded_catalog
from towers.training.images.recipes import RECIPES

_NAMES = {"tone": "flute", "chord": "organ", "noise": "wind", "rhythm": "shaker"}
_REGISTERS = {"deep": (100.0, 180.0), "middle": (300.0, 500.0), "high": (800.0, 1_400.0)}


@click.command()
@click.option("--per-kind", default=40, show_default=True, help="Old items of each of 12 kinds.")
@click.option("--new", "new_count", default=15, show_default=True, help="New items of each.")
@click.option("--epochs", default=40, show_default=True, help="Of the encoder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(per_kind: int, new_count: int, epochs: int, as_json: bool) -> None:
    """Train an encoder and four candidate towers, and compare their recall."""
    config = Config(audio=AudioConfig(seconds=2.0, epoch_limit=epochs))
    items: list[Item] = []
    kinds: list[str] = []
    with TemporaryDirectory() as folder:
        for register, pitches in _REGISTERS.items():
            for kind, name in _NAMES.items():
                for number in range(per_kind + new_count):
                    path = Path(folder) / f"{register}-{kind}-{number}.wav"
                    path.write_bytes(file_of(sound(kind, number, 2.0, pitches)))
                    is_old = number < per_kind
                    title = f"{register} {name} recording" if is_old else "recording"
                    items.append(Item(path.stem, title, category=("Sounds",), audio=str(path)))
                    kinds.append(f"{register} {name}")
        is_new = np.array([item.title == "recording" for item in items])
        old = [item for item, new in zip(items, is_new.tolist(), strict=True) if not new]
        dataset = Dataset(Path(folder), old, Catalog.of(old, config.text), [], [], 0.0, 0.0)
        (recipe,) = (one for one in RECIPES if one.modality is SOUND)
        found, report = encoded_catalog(dataset, config, recipe, Silence())
        assert found is not None, asdict(report)
        vectors, _ = found.encoder.encode([Path(item.audio) for item in items])
    title_of = {kind: f"{kind} recording" for kind in kinds}
    shop = PoorShop(items, np.array(kinds), is_new, title_of, SOUND.name, vectors)
    show(shop, compared(shop), as_json)


if __name__ == "__main__":
    main()
