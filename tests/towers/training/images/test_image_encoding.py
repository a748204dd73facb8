"""What becomes of a shop's pictures where no encoder can be trained, and of a damaged bundle."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from data.errors import BundleError, ConfigError
from data.media.picture import PICTURES
from data.records import Item
from tests.quick_training import Silence
from tests.towers.modalities.shapes import shape_bytes
from tests.towers.modalities.tiny_networks import first_values
from tests.towers.modalities.tones import sound_bytes
from towers.catalog.items import Catalog
from towers.config import AudioConfig, Config, ImagesConfig, IndexConfig
from towers.datasets.dataset import Dataset
from towers.modalities.images import ImageEncoder
from towers.modalities.item_pictures import ItemPictures
from towers.modalities.item_vectors import ContentVectors, encoded_contents
from towers.training.images.image_encoding import encoded_catalog, encoded_modalities
from towers.training.images.recipes import RECIPES


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
    found, report = encoded_catalog(
        dataset(tmp_path, count), Config(images=images), RECIPES[0], Silence()
    )
    assert found is None and (report.state, report.named_count) == (state, count)


def test_fisher_vectors_can_be_left_out(tmp_path: Path) -> None:
    images = ImagesConfig(
        **{"size": 16, "dim": 8, "network_count": 1, "epoch_limit": 1}, visual_word_count=0
    )
    found, report = encoded_catalog(
        dataset(tmp_path, 16), Config(images=images), RECIPES[0], Silence()
    )
    assert found is not None and found.encoder.dim == 8 + 2
    assert report.training is not None and not report.training.fisher


def test_without_pillow_the_engineer_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, find = dataset(tmp_path, 4), importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "PIL" else find(name, *rest),
    )
    found, report = encoded_catalog(shop, Config(), RECIPES[0], Silence())
    assert found is None and report.warnings == [
        "4 items have pictures that are not read: pip install 'nextclick[vision]' and train again"
    ]


def test_without_soundfile_sounds_are_left_out_and_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, find = dataset(tmp_path, 4), importlib.util.find_spec
    items = [replace(item, image="", audio=item.image) for item in shop.items]
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "soundfile" else find(name, *rest),
    )
    found = encoded_modalities(replace(shop, items=items), Config(), Silence())
    assert not found.catalogs and found.vectors(8) == {}
    assert found.warnings == [
        "4 items have sounds that are not read: pip install 'nextclick[voice]' and train again"
    ]
    states = {name: one["state"] for name, one in found.report().items()}
    assert states == {"pictures": "none", "sounds": "not installed"}


def test_the_shops_own_encoder_of_sounds_is_used_as_it_is(tmp_path: Path) -> None:
    shop = dataset(tmp_path, 2)
    own, sound = tmp_path / "own.tflite", tmp_path / "a.wav"
    own.write_bytes(first_values((1, 1_600)))
    sound.write_bytes(sound_bytes("tone", 1))
    items = [replace(item, image="", audio=str(sound)) for item in shop.items]
    config = Config(audio=AudioConfig(encoder=str(own)))
    (found,) = encoded_modalities(replace(shop, items=items), config, Silence()).catalogs
    assert found.file == own.read_bytes() and found.contents.rows.tolist() == [0, 1, 2, 3]
    # One content, which is read once.
    assert len(set(found.contents.keys.tolist())) == 1


@pytest.mark.parametrize("factor", [0.0, np.nan])
def test_an_encoder_that_tells_nothing_of_any_picture_is_named(
    tmp_path: Path, factor: float
) -> None:
    own = tmp_path / "own.tflite"
    own.write_bytes(first_values((1, 8, 8, 3), factor=factor))
    config = Config(images=ImagesConfig(encoder=str(own)))
    with pytest.raises(
        ConfigError,
        match=r"^images.encoder: expected a finite vector other than zero of each picture, received none"
        r" of 4 pictures from '.*own.tflite'; check mean and deviation under \[images\]",
    ):
        encoded_catalog(dataset(tmp_path, 4), config, RECIPES[0], Silence())


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = Config(images=ImagesConfig(encoder=str(tmp_path / "clip.tflite")))
    with pytest.raises(
        ConfigError, match=r"images.encoder: expected a .tflite file, .*clip.tflite"
    ):
        encoded_catalog(dataset(tmp_path, 4), config, RECIPES[0], Silence())
    with pytest.raises(
        BundleError, match="expected a bundle with an image_encoder.tflite, received"
    ):
        ImageEncoder.load(tmp_path, config.images)


def test_vectors_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    class _Encoder:
        dim, medium = 8, PICTURES

    vectors = np.eye(8, dtype=np.float32)[:3]
    pictures = ContentVectors(np.arange(3), vectors, np.arange(3, dtype=np.uint64), {})
    weights = np.zeros(4, np.float32)
    encoder: ImageEncoder = _Encoder()  # type: ignore[assignment]
    ItemPictures.build(encoder, pictures, IndexConfig(), weights).save(tmp_path)
    assert ItemPictures.load(tmp_path, encoder, 4).contents.rows.tolist() == [0, 1, 2]
    with pytest.raises(
        BundleError, match="pictures: expected a vector for each of at most 2 items"
    ):
        ItemPictures.load(tmp_path, encoder, 2)
    _Encoder.dim = 9
    with pytest.raises(
        BundleError, match=r"pictures: expected vectors of length 9, received \(3, 8\)"
    ):
        ItemPictures.load(tmp_path, encoder, 4)


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("rows", np.array([0, 2, 1]), "ascending rows of 4 items"),
        ("rows", np.array([0, 1, 1]), "ascending rows of 4 items"),
        ("rows", np.array([0, 10**9, 2]), "ascending rows of 4 items"),
        ("rows", np.array([-1, 1, 2]), "ascending rows of 4 items"),
        ("rows", np.array([0.0, 1.0, 2.0]), "ascending rows of 4 items"),
        ("vectors", np.full((3, 8), np.nan, np.float32), "finite vectors"),
        ("vectors", np.eye(8)[:3], "finite vectors, float32"),
        ("weights", np.array([0, np.nan, 0, 0], np.float32), "weights from 0 to 1"),
        ("weights", np.array([0, 1.5, 0, 0], np.float32), "weights from 0 to 1"),
    ],
)
def test_values_out_of_their_range_are_refused_at_load(
    tmp_path: Path, name: str, values: np.ndarray, why: str
) -> None:
    class _Encoder:
        dim, medium = 8, PICTURES

    vectors = np.eye(8, dtype=np.float32)[:3]
    pictures = ContentVectors(np.arange(3), vectors, np.arange(3, dtype=np.uint64), {})
    encoder: ImageEncoder = _Encoder()  # type: ignore[assignment]
    ItemPictures.build(encoder, pictures, IndexConfig(), np.zeros(4, np.float32)).save(tmp_path)
    np.save(tmp_path / f"{name}.npy", values)
    with pytest.raises(BundleError, match=f"^pictures: expected {why}"):
        ItemPictures.load(tmp_path, encoder, 4)


def test_large_pictures_are_read_in_parts_of_64_mib(tmp_path: Path) -> None:
    path_of = [tmp_path / f"{number}.jpg" for number in range(40)]
    for number, path in enumerate(path_of):
        with path.open("wb") as file:
            file.write(number.to_bytes(2))
            # A sparse file of 4 MiB.
            file.truncate(4 * 1024 * 1024)

    class _Encoder:
        dim, medium = 8, PICTURES
        sizes: ClassVar[list[int]] = []

        def encode(self, pictures: list[bytes], **_: object) -> tuple[np.ndarray, np.ndarray]:
            self.sizes.append(sum(map(len, pictures)))
            return np.ones((len(pictures), 8), np.float32), np.ones(len(pictures), bool)

    encoder: ImageEncoder = _Encoder()  # type: ignore[assignment]
    done: list[int] = []
    items = [Item(path.stem, image=str(path)) for path in path_of]
    found = encoded_contents(items, encoder, progress=done.append)
    assert found.rows.tolist() == list(range(40)) and done == [16, 32, 40]
    assert _Encoder.sizes == [64 << 20, 64 << 20, 32 << 20]
