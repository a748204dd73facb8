"""The items' pictures as vectors: the encoder trained or brought by the shop, and what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import ConfigError
from data.pictures.picture import picture_of
from data.records import Item
from towers.bundle.bundle import write_pictures
from towers.bundle.layout import Layout
from towers.config import Config
from towers.datasets.dataset import Dataset
from towers.datasets.progress import Progress
from towers.modalities.images import ImageEncoder
from towers.modalities.item_pictures import ItemPictures, PictureVectors, encoded_pictures
from towers.modalities.picture_heads import EncoderClasses, PictureHead
from towers.modalities.pictures import is_installed
from towers.models.export import image_networks_file
from towers.models.images.image_network import UNKNOWN, ImageTargets, told_columns
from towers.training.images.image_training import ImageReport, TrainedImages, train_images
from towers.training.images.picture_files import picture_files
from towers.training.images.picture_labels import image_targets

PICTURE_LIMIT = 20_000
"""Pictures that the encoder is trained on; the others are only read by it."""

_ATTRIBUTE = "attribute "

_READ_SCALE = 4 / 3
"""Pictures are kept larger than the network reads them, since training crops them."""


@dataclass(frozen=True)
class PictureReport:
    """What became of the pictures.

    Args:
        state: ``used``, ``none``, ``off``, ``not installed`` or ``too few``.
        named_count: Items that name a picture on this machine.
        read_count: Items whose picture was read.
        refused: What was wrong with the others, counted by a message.
        training: Of the encoder; None where the shop brought one.
    """

    state: str
    named_count: int = 0
    read_count: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    training: ImageReport | None = None

    @property
    def warnings(self) -> list[str]:
        """What the engineer can mend."""
        found = []
        if self.state == "not installed":
            found.append(
                f"{self.named_count:,} items have pictures that are not read:"
                " pip install 'nextclick[vision]' and train again"
            )
        found += [
            f"{count:,} pictures were not read: {message}"
            for message, count in sorted(self.refused.items())
        ]
        return found

    def report(self) -> dict[str, Any]:
        """For the metrics."""
        return {**asdict(replace(self, refused={})), "refused": dict(self.refused)}


@dataclass(frozen=True)
class EncodedCatalog:
    """The encoder's file, the items' pictures as read by it, and what it learnt of them."""

    file: bytes
    encoder: ImageEncoder
    pictures: PictureVectors
    classes: EncoderClasses

    def of_all(self, item_count: int) -> np.ndarray:
        """``[items, dim] float32``: zeros for items without a picture."""
        return self.pictures.of_all(item_count)

    def write(self, layout: Layout, config: Config, weights: np.ndarray) -> None:
        """Writes the encoder, the vectors and their index into a bundle.

        Args:
            weights: ``[items] float32`` weights of the pictures in the items' embeddings.
        """
        built = ItemPictures.build(self.encoder, self.pictures, config.index, weights)
        write_pictures(layout, self.file, built)
        self.classes.save(layout.pictures)


def encoded_catalog(
    dataset: Dataset, config: Config, stages: Progress
) -> tuple[EncodedCatalog | None, PictureReport]:
    """Trains the image encoder, or takes the shop's own, and encodes the items' pictures.

    Raises:
        ConfigError: ``images.encoder`` cannot be used.
    """
    items, settings = dataset.items, config.images
    named = np.array(
        [row for row, item in enumerate(items) if picture_of(item.image) is not None], np.int64
    )
    if not len(named):
        return None, PictureReport("none")
    if not settings.epoch_limit and not settings.encoder:
        return None, PictureReport("off", len(named))
    if not is_installed():
        return None, PictureReport("not installed", len(named))
    trained: TrainedImages | None = None
    heads: dict[str, PictureHead] = {}
    learnt_rows = own_rows = named[:0]
    if settings.encoder:
        file = _own_file(Path(settings.encoder))
    else:
        rng = np.random.default_rng(config.seed)
        chosen = np.sort(rng.permutation(named)[:PICTURE_LIMIT])
        report = stages.start("reading pictures", len(chosen))
        side = int(settings.size * _READ_SCALE)
        with picture_files(items, chosen, side, report) as files:
            targets = image_targets([items[row] for row in files.rows.tolist()])
            is_taught = bool(targets.class_counts) or bool(targets.words.any())
            if len(files.rows) < settings.picture_minimum or not is_taught:
                refused = files.refused
                return None, PictureReport("too few", len(named), len(files.rows), refused)
            report = stages.start("training the image encoder", 1)
            trained = train_images(
                files.levels, targets, settings, seed=config.seed, progress=report
            )
            heads = picture_heads(targets, settings.dim * len(trained.networks), items, files.rows)
            learnt_rows = files.rows[trained.is_learnt]
            own_rows = files.rows[trained.own_rows]
        file = image_networks_file(trained.networks, settings.size)
    encoder = ImageEncoder(file, settings)
    pictures = encoded_pictures(
        items, encoder, progress=stages.start("reading the items' pictures", len(items))
    )
    training = None if trained is None else trained.report
    found = PictureReport("used", len(named), len(pictures.rows), pictures.refused, training)
    if not len(pictures.rows):
        return None, PictureReport("too few", len(named), 0, pictures.refused, training)
    classes = EncoderClasses(
        heads,
        pictures.keys[np.isin(pictures.rows, learnt_rows)],
        _keys_of(pictures, own_rows),
        {} if trained is None else _shares_of_heads(heads, trained.own_shares),
    )
    return EncodedCatalog(file, encoder, pictures, classes), found


def _keys_of(pictures: PictureVectors, rows: np.ndarray) -> np.ndarray:
    """``[n] uint64`` hashes of the pictures of items at ``rows``; 0 where one was not read again."""
    key_of = dict(zip(pictures.rows.tolist(), pictures.keys.tolist(), strict=True))
    return np.array([key_of.get(row, 0) for row in rows.tolist()], np.uint64)


def _shares_of_heads(
    heads: Mapping[str, PictureHead], shares: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    return {field: shares[field if field == "brand" else _ATTRIBUTE + field] for field in heads}


def picture_heads(
    targets: ImageTargets, dim: int, items: Sequence[Item], rows: np.ndarray
) -> dict[str, PictureHead]:
    """Where the vectors hold the classes of brand and attributes.

    Args:
        dim: Of what the network says of a picture's look, before the classes.
        rows: ``[pictures] int64`` rows of ``items`` that the targets are of.
    """
    heads = {}
    for name, first in told_columns(targets.class_counts, dim).items():
        field = name.removeprefix(_ATTRIBUTE)
        # An attribute called like a field of its own would be taken for that.
        if (field == name) != (field == "brand") or field == "category":
            continue
        classes = [""] * targets.class_counts[name]
        for row, number in zip(rows.tolist(), targets.classes[name].tolist(), strict=True):
            if number != UNKNOWN:
                item = items[row]
                classes[number] = item.brand if field == name else item.attributes[field]
        heads[field] = PictureHead(tuple(classes), first)
    return heads


def _own_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"images.encoder: expected a .tflite file, received {str(path)!r}: {error.strerror}"
        ) from error
