"""A shop of pictures with a category and no title, from files to answers; and the same re-embedded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data.prepare import prepare, prepare_items
from data.records import Item
from data.tables import iter_items, read_tables
from serving.engine import Engine
from serving.pictures.picture_requests import PictureSearchRequest
from tests.quick_training import train_quickly
from tests.towers.modalities.shapes import shape_bytes, write_shapes
from towers.bundle.bundle import load_bundle
from towers.training.item_embedding import reembed

SETTINGS = {
    "text": {"bucket_count": 1_024},
    "towers": {"dim": 16, "session_encoder": "dnn", "event_slot_count": 4},
    "retrieval": {"epoch_limit": 2, "search_example_limit": 2_000},
    "rerank": {"request_limit": 100, "epoch_limit": 1, "member_count": 1},
    "images": {
        **{"size": 32, "dim": 16, "batch_size": 24},
        **{"network_count": 2, "epoch_limit": 8, "learning_rate": 0.01},
    },
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("picture_shop")
    rows = write_shapes(folder / "shop", 10)
    (folder / "shop" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    rows.append({"item_id": "broken", "category": ["Shapes", "red"], "image": "broken.png"})
    rows.append({"item_id": "without", "category": ["Shapes", "blue"]})
    lines = "\n".join(json.dumps(row) for row in rows)
    (folder / "shop" / "items.jsonl").write_text(lines)
    prepare("files", folder / "shop", out=folder / "tables", now=1.7e9)
    metrics = train_quickly(read_tables(folder / "tables"), folder / "bundle", SETTINGS)
    pictures = metrics["pictures"]
    assert (pictures["state"], pictures["named_count"], pictures["read_count"]) == ("used", 61, 60)
    assert set(pictures["training"]["class_counts"]) == {"category", "attribute form"}
    # What Fisher vectors add to each label; of so few pictures none are held out to measure it on.
    fisher = pictures["training"]["fisher"]
    assert set(fisher) == {"category", "attribute form"}
    assert all(one["held_out_count"] == 0 and one["scale"] > 0 for one in fisher.values())
    (broken,) = [line for line in metrics["warnings"] if "pictures were not read" in line]
    assert broken.startswith("1 pictures were not read: image: expected a JPEG, PNG or WebP")
    return folder / "bundle"


def test_a_new_picture_finds_those_of_its_colour(bundle: Path) -> None:
    engine = Engine.open(bundle, clock=lambda: 1.7e9)
    for colour in ("red", "green", "blue"):
        asked = PictureSearchRequest(shape_bytes(colour, "disc", 999), page_size=5)
        answer = engine.pictures.search(asked)
        assert [result.category[-1] for result in answer.results].count(colour) >= 4
    engine.close()


def test_embedding_again_keeps_what_it_knows_and_reads_what_is_new(
    bundle: Path, tmp_path: Path
) -> None:
    tables = bundle.parent / "tables"
    items = list(iter_items(prepare_items(tables, now=1.7e9)[0]))
    new = tmp_path / "new.png"
    new.write_bytes(shape_bytes("blue", "square", 777))
    (changed, gone), kept = items[:2], items[2:]
    changed = type(changed)(changed.item_id, category=changed.category, image=str(new))
    reembed(bundle, [changed, *kept], tmp_path / "out", items_time=1.7e9, created_time=1.7e9)
    before, after = load_bundle(bundle), load_bundle(tmp_path / "out")
    assert before.pictures is not None and after.pictures is not None
    assert gone.item_id not in after.catalog.row_of
    assert len(after.pictures.contents.rows) == 59
    # Of the first two items one is gone, and the picture of the other is another one.
    old, found = before.pictures.contents, after.pictures.contents
    assert np.array_equal(found.vectors[1:], old.vectors[2:])
    assert not np.allclose(found.vectors[0], old.vectors[0], atol=1e-3)
    # The rest of the embeddings is as it was trained: the pictures are part of them again.
    embeddings = [one.ranker.sources.index.embeddings for one in (before, after)]
    assert np.allclose(embeddings[0][2:], embeddings[1][1:], atol=1e-5)


def test_two_items_with_one_picture_are_near_duplicates(bundle: Path, tmp_path: Path) -> None:
    items = list(iter_items(prepare_items(bundle.parent / "tables", now=1.7e9)[0]))
    new = tmp_path / "new.png"
    new.write_bytes(shape_bytes("blue", "square", 777))
    twins = [Item(f"twin {n}", n, category=("Shapes", "blue"), image=str(new)) for n in ("a", "b")]
    reembed(bundle, [*items, *twins], tmp_path / "out", items_time=1.7e9, created_time=1.7e9)
    after = load_bundle(tmp_path / "out")
    assert after.variants is not None and after.variants.look_alike_count >= 2
    of_one, of_other = after.variants.codes[[after.catalog.row_of[one.item_id] for one in twins]]
    assert of_one == of_other >= 0


def test_the_weights_of_pictures_are_kept(bundle: Path) -> None:
    pictures = load_bundle(bundle).pictures
    assert pictures is not None
    weights = pictures.weights
    assert (weights[:60] > 0).all() and (weights[:60] < 1).all()
    assert weights[60:].tolist() == [0, 0] and pictures.weight_of(10_000) == 0
