"""What becomes of a shop's pictures where no encoder can be trained, and of a damaged bundle."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from data.errors import BundleError, ConfigError
from data.records import Item
from tests.quick_training import Silence
from tests.towers.modalities.shapes import shape_bytes
from towers.catalog.items import Catalog
from towers.config import Config, ImagesConfig
from towers.datasets.dataset import Dataset
from towers.modalities.images import ImageEncoder
from towers.training.images.image_encoding import encoded_catalog


def dataset(folder: Path, count: int) -> Dataset:
    """A shop of ``count`` pictures and as many items without."""
    items = []
    for number in range(2 * count):
        path = folder / f"{number}.png"
        if number < count:
            path.write_bytes(shape_bytes("red", "disc", number))
        image = str(path) if number < count else ""
        items.append(Item(str(number), category=("ab"[number % 2],), image=image))
    config = Config()
    return Dataset(folder, items, Catalog.of(items, config.text), [], [], 0.0, 0.0)


@pytest.mark.parametrize(
    ("count", "images", "state"),
    [
        (0, ImagesConfig(), "none"),
        (4, ImagesConfig(epoch_limit=0), "off"),
        (4, ImagesConfig(picture_minimum=5), "too few"),
    ],
)
def test_why_pictures_are_not_used(
    tmp_path: Path, count: int, images: ImagesConfig, state: str
) -> None:
    found, report = encoded_catalog(dataset(tmp_path, count), Config(images=images), Silence())
    assert found is None and (report.state, report.named_count) == (state, count)


def test_without_pillow_the_engineer_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, find = dataset(tmp_path, 4), importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "PIL" else find(name, *rest),
    )
    found, report = encoded_catalog(shop, Config(), Silence())
    assert found is None and report.warnings == [
        "4 items have pictures that are not read: pip install 'nextclick[vision]' and train again"
    ]


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = Config(images=ImagesConfig(encoder=str(tmp_path / "clip.tflite")))
    with pytest.raises(
        ConfigError, match=r"images.encoder: expected a .tflite file, .*clip.tflite"
    ):
        encoded_catalog(dataset(tmp_path, 4), config, Silence())
    with pytest.raises(
        BundleError, match="expected a bundle with an image_encoder.tflite, received"
    ):
        ImageEncoder.load(tmp_path, config.images)


def test_vectors_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    from towers.config import IndexConfig
    from towers.modalities.item_pictures import ItemPictures, PictureVectors

    class _Encoder:
        dim = 8

    vectors = np.eye(8, dtype=np.float32)[:3]
    pictures = PictureVectors(np.arange(3), vectors, np.arange(3, dtype=np.uint64), {})
    weights = np.zeros(4, np.float32)
    encoder: ImageEncoder = _Encoder()  # type: ignore[assignment]
    ItemPictures.build(encoder, pictures, IndexConfig(), weights).save(tmp_path)
    assert ItemPictures.load(tmp_path, encoder, 4).pictures.rows.tolist() == [0, 1, 2]
    with pytest.raises(
        BundleError, match="pictures: expected a vector for each of at most 2 items"
    ):
        ItemPictures.load(tmp_path, encoder, 2)
    _Encoder.dim = 9
    with pytest.raises(
        BundleError, match=r"pictures: expected vectors of length 9, received \(3, 8\)"
    ):
        ItemPictures.load(tmp_path, encoder, 4)
