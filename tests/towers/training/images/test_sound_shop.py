"""A shop that sells sounds, from files to answers; and the same re-embedded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data.errors import MissingExtraError
from data.prepare import prepare, prepare_items
from data.tables import iter_items, read_tables
from serving.api.requests import SearchRequest
from serving.cli.main import main
from serving.engine import Engine
from tests.quick_training import train_quickly
from tests.towers.modalities.tones import KINDS, file_of, sound_bytes, write_sounds
from towers.bundle.bundle import load_bundle
from towers.modalities import modality_list
from towers.training import item_embedding
from towers.training.item_embedding import reembed

SETTINGS = {
    "text": {"bucket_count": 1_024},
    "towers": {"dim": 16, "session_encoder": "dnn", "event_slot_count": 4},
    "retrieval": {"epoch_limit": 2, "search_example_limit": 2_000},
    "rerank": {"request_limit": 100, "epoch_limit": 1, "member_count": 1},
    "audio": {
        "seconds": 1.0,
        "dim": 16,
        "batch_size": 24,
        "epoch_limit": 14,
        "learning_rate": 0.01,
    },
}
PER_KIND = 12
COUNT = PER_KIND * len(KINDS)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every third item lacks its category, and so all words but one that all items share."""
    folder = tmp_path_factory.mktemp("sound_shop")
    shop = folder / "shop"
    rows = write_sounds(shop, PER_KIND)
    for number, row in enumerate(rows):
        row["title"] = "recording"
        if number % 3 == 0:
            del row["category"]
    (shop / "silent.wav").write_bytes(file_of(np.zeros(16_000)))
    (shop / "text.wav").write_bytes(b"RIFF....WAVE and no more")
    for name in ("silent", "text", "none"):
        rows.append({"item_id": name, "title": "recording", "audio": f"{name}.wav"})
    (shop / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    report = prepare("files", shop, out=folder / "tables", now=1.7e9)
    assert any(
        "51 items name a sound; not usable: 1 no such file" in one for one in report["notes"]
    )
    metrics = train_quickly(read_tables(folder / "tables"), folder / "bundle", SETTINGS)
    sounds = metrics["sounds"]
    # A file that is not there is no place on this machine.
    assert (sounds["state"], sounds["named_count"], sounds["read_count"]) == ("used", 50, COUNT)
    assert metrics["pictures"]["state"] == "none"
    assert [line for line in metrics["warnings"] if "not read" in line] == [
        "1 sounds were not read: audio: expected a WAV, FLAC, OGG, MP3 or AIFF file",
        "1 sounds were not read: audio: expected a sound",
    ]
    return folder / "bundle"


def test_of_items_that_share_all_words_those_of_like_sounds_are_similar(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    poor = np.arange(0, COUNT, 3)
    kinds = np.array([loaded.catalog.item_ids[row].partition("-")[0] for row in poor.tolist()])
    embeddings = loaded.ranker.sources.index.embeddings[poor]
    similar = embeddings @ embeddings.T
    np.fill_diagonal(similar, -np.inf)
    nearest = kinds[np.argsort(-similar, axis=1)[:, : PER_KIND // 3 - 1]]
    # A fifth of them by chance: by their words they are all the same.
    assert (nearest == kinds[:, None]).mean() > 0.45


def test_an_explanation_tells_the_share_of_the_sound(bundle: Path) -> None:
    engine = Engine.open(bundle, clock=lambda: 1.7e9)
    answer = engine.search(SearchRequest("rhythm", explain=True, page_size=100))
    shares = {
        result.item_id: {one.name: one.share for one in result.modalities}
        for result in answer.results
    }
    engine.close()
    heard = [one for item_id, one in shares.items() if item_id.startswith("rhythm")]
    assert heard
    for one in heard:
        assert set(one) == {"words", "sound"} and sum(one.values()) == pytest.approx(1)
        assert 0 < one["sound"] < 1


def test_embedding_again_reads_what_is_new_and_nothing_else(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = list(iter_items(prepare_items(bundle.parent / "tables", now=1.7e9)[0]))
    (tmp_path / "new.wav").write_bytes(sound_bytes("noise", 777))
    items[0] = replace(items[0], audio=str(tmp_path / "new.wav"))
    reembed(bundle, items, tmp_path / "out", items_time=1.7e9, created_time=1.7e9)
    before, after = load_bundle(bundle), load_bundle(tmp_path / "out")
    old, new = before.modalities["sound"].contents, after.modalities["sound"].contents
    assert np.array_equal(old.vectors[1:], new.vectors[1:])
    assert not np.allclose(old.vectors[0], new.vectors[0], atol=1e-3)
    embeddings = [one.ranker.sources.index.embeddings for one in (before, after)]
    assert np.allclose(embeddings[0][1:], embeddings[1][1:], atol=1e-5)
    weights = after.modalities["sound"].weights
    assert (weights[:COUNT] > 0).all() and weights[COUNT:].tolist() == [0, 0, 0]
    missing = replace(modality_list.SOUND, is_installed=lambda: False)
    monkeypatch.setattr(item_embedding, "MODALITIES", (modality_list.PICTURE, missing))
    with pytest.raises(MissingExtraError, match="sounds of items: expected the extra voice"):
        reembed(bundle, items, tmp_path / "other", items_time=1.7e9, created_time=1.7e9)


def test_categories_that_items_lack_are_told_by_their_sound(bundle: Path, tmp_path: Path) -> None:
    shop, out = bundle.parent / "shop", tmp_path / "values.jsonl"
    rows = [json.loads(line) for line in (shop / "items.jsonl").read_text().splitlines()]
    # Without a title nothing else is left to read.
    asked = [
        {"item_id": row["item_id"], "audio": str(shop / row["audio"])}
        for row in rows
        if "category" not in row and "-" in row["item_id"]
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(json.dumps(row) for row in asked))
    options = ["--attribute", "category", "--model", "nearest_neighbours", "--out", str(out)]
    command = ["attributes", str(bundle), str(tmp_path / "items.jsonl"), *options, "--json"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    values = [json.loads(line) for line in out.read_text().splitlines()]
    told = {row["item_id"]: row["value"].rpartition(" ")[2] for row in values}
    right = [value == item_id.partition("-")[0] for item_id, value in told.items()]
    # A quarter of them by chance.
    assert len(right) == COUNT // 3 and np.mean(right) > 0.5
