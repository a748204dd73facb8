"""The items' pictures and sounds as vectors: encoders trained here or brought, and what they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import ConfigError
from data.records import Item
from towers.bundle.bundle import write_modality
from towers.bundle.layout import Layout
from towers.config import Config
from towers.datasets.dataset import Dataset
from towers.datasets.progress import Progress
from towers.modalities.encoder import Encoder
from towers.modalities.item_vectors import ContentVectors, encoded_contents
from towers.modalities.modality_list import PICTURE, Modality
from towers.modalities.picture_heads import EncoderClasses, PictureHead
from towers.models.export import image_networks_file
from towers.models.images.image_network import UNKNOWN, ImageTargets, told_columns
from towers.training.images.content_files import content_files
from towers.training.images.fisher_training import with_fisher_heads
from towers.training.images.image_training import ImageReport, TrainedImages, train_images
from towers.training.images.picture_labels import image_targets
from towers.training.images.recipes import RECIPES, Recipe

CONTENT_LIMIT = 20_000
"""Pictures or sounds that an encoder is trained on; the others are only read by it."""

_ATTRIBUTE = "attribute "


@dataclass(frozen=True)
class ModalityReport:
    """What became of the pictures or sounds.

    Args:
        modality: Which.
        state: ``used``, ``none``, ``off``, ``not installed`` or ``too few``.
        named_count: Items that name one on this machine.
        read_count: Items whose content was read.
        refused: What was wrong with the others, counted by a message.
        training: Of the encoder; None where the shop brought one.
    """

    modality: Modality
    state: str
    named_count: int = 0
    read_count: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    training: ImageReport | None = None

    @property
    def warnings(self) -> list[str]:
        """What the engineer can mend."""
        found, noun = [], self.modality.medium.noun
        if self.state == "not installed":
            found.append(
                f"{self.named_count:,} items have {noun}s that are not read:"
                f" pip install 'nextclick[{self.modality.extra}]' and train again"
            )
        found += [
            f"{count:,} {noun}s were not read: {message}"
            for message, count in sorted(self.refused.items())
        ]
        return found

    def report(self) -> dict[str, Any]:
        """For the metrics."""
        return {
            "state": self.state,
            "named_count": self.named_count,
            "read_count": self.read_count,
            "refused": dict(self.refused),
            "training": None if self.training is None else asdict(self.training),
        }


@dataclass(frozen=True)
class EncodedCatalog:
    """The encoder's file, the items' pictures or sounds as read by it, and what it learnt of them."""

    modality: Modality
    file: bytes
    encoder: Encoder
    contents: ContentVectors
    classes: EncoderClasses

    def write(self, layout: Layout, config: Config, weights: np.ndarray) -> None:
        """Writes the encoder, the vectors and what is built of them into a bundle.

        Args:
            weights: ``[items] float32`` weights in the items' embeddings.
        """
        built = self.modality.item_vectors.build(self.encoder, self.contents, config.index, weights)
        write_modality(layout, self.modality, self.file, built)
        self.classes.save(layout / self.modality.folder)


@dataclass(frozen=True)
class EncodedModalities:
    """What could be encoded of the catalogue, and what became of every modality."""

    catalogs: tuple[EncodedCatalog, ...]
    reports: tuple[ModalityReport, ...]

    def vectors(self, item_count: int) -> dict[str, np.ndarray]:
        """``[items, dim] float32`` by modality, zeros for items without; none where no item has one."""
        return {one.modality.name: one.contents.of_all(item_count) for one in self.catalogs}

    @property
    def pictures(self) -> ContentVectors | None:
        """Of the items that have one; None where none has."""
        found = [one.contents for one in self.catalogs if one.modality is PICTURE]
        return found[0] if found else None

    def report(self) -> dict[str, Any]:
        """For the metrics: ``pictures``, ``sounds``."""
        return {one.modality.folder: one.report() for one in self.reports}

    @property
    def warnings(self) -> list[str]:
        """What the engineer can mend."""
        return [line for one in self.reports for line in one.warnings]


def encoded_modalities(dataset: Dataset, config: Config, stages: Progress) -> EncodedModalities:
    """Every modality that the items have, encoded.

    Raises:
        ConfigError: The shop's own encoder cannot be used.
    """
    found = [encoded_catalog(dataset, config, recipe, stages) for recipe in RECIPES]
    return EncodedModalities(
        tuple(catalog for catalog, _ in found if catalog is not None),
        tuple(report for _, report in found),
    )


def encoded_catalog(
    dataset: Dataset, config: Config, recipe: Recipe, stages: Progress
) -> tuple[EncodedCatalog | None, ModalityReport]:
    """Trains an encoder, or takes the shop's own, and encodes the items' pictures or sounds.

    Raises:
        ConfigError: The shop's own encoder cannot be used, or the encoder gives no vector of any of them.
    """
    modality = recipe.modality
    items, settings, medium = dataset.items, modality.settings(config), modality.medium
    named = np.array(
        [row for row, item in enumerate(items) if medium.place_of(item) is not None], np.int64
    )
    report = ModalityReport(modality, "none", len(named))
    if not len(named):
        return None, report
    if not settings.epoch_limit and not settings.encoder:
        return None, replace(report, state="off")
    if not modality.is_installed():
        return None, replace(report, state="not installed")
    trained: TrainedImages | None = None
    heads: dict[str, PictureHead] = {}
    learnt_rows = own_rows = named[:0]
    if settings.encoder:
        file = _own_file(modality, Path(settings.encoder))
    else:
        rng = np.random.default_rng(config.seed)
        chosen = np.sort(rng.permutation(named)[:CONTENT_LIMIT])
        progress = stages.start(f"reading {medium.noun}s", len(chosen))
        with content_files(items, chosen, medium, recipe.reader(settings), progress) as files:
            targets = image_targets([items[row] for row in files.rows.tolist()])
            is_taught = bool(targets.class_counts) or bool(targets.words.any())
            if len(files.rows) < recipe.minimum(settings) or not is_taught:
                read_count = len(files.rows)
                return None, replace(
                    report, state="too few", read_count=read_count, refused=files.refused
                )
            trained = train_images(
                files.levels,
                targets,
                settings,
                recipe.kind(settings),
                seed=config.seed,
                progress=stages.start(f"training the encoder of {medium.noun}s", 1),
            )
            if word_count := recipe.visual_words(settings):
                trained = with_fisher_heads(
                    trained,
                    files.levels,
                    targets,
                    recipe.kind(settings),
                    word_count=word_count,
                    seed=config.seed,
                    progress=stages.start(f"learning patches of {medium.noun}s", 1),
                )
            heads = picture_heads(targets, settings.dim * len(trained.networks), items, files.rows)
            learnt_rows = files.rows[trained.is_learnt]
            own_rows = files.rows[trained.own_rows]
        file = image_networks_file(trained.networks, recipe.sides(settings), trained.fisher)
    encoder = modality.encoder(file, settings)
    contents = encoded_contents(
        items, encoder, progress=stages.start(f"reading the items' {medium.noun}s", len(items))
    )
    training = None if trained is None else trained.report
    report = replace(
        report, read_count=len(contents.rows), refused=contents.refused, training=training
    )
    if not len(contents.rows):
        if blind := contents.refused.get(encoder.vector_fault):
            raise encoder.no_vectors(blind)
        return None, replace(report, state="too few")
    classes = EncoderClasses(
        heads,
        contents.keys[np.isin(contents.rows, learnt_rows)],
        _keys_of(contents, own_rows),
        {} if trained is None else _shares_of_heads(heads, trained.own_shares),
    )
    catalog = EncodedCatalog(modality, file, encoder, contents, classes)
    return catalog, replace(report, state="used")


def _keys_of(contents: ContentVectors, rows: np.ndarray) -> np.ndarray:
    """``[n] uint64`` hashes of the contents of items at ``rows``; 0 where one was not read again."""
    key_of = dict(zip(contents.rows.tolist(), contents.keys.tolist(), strict=True))
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
        dim: Of what the network says of the look of a picture, before the classes.
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


def _own_file(modality: Modality, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{modality.encoder.section}.encoder: expected a .tflite file, received {str(path)!r}:"
            f" {error.strerror}"
        ) from error
