"""The modalities that an item may have besides its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from data.media.medium import Medium
from towers.audio import waveform
from towers.config import Config
from towers.modalities import pictures
from towers.modalities.audio import SoundEncoder
from towers.modalities.encoder import Encoder
from towers.modalities.images import ImageEncoder
from towers.modalities.item_pictures import ItemPictures
from towers.modalities.item_vectors import ItemVectors

WORDS = "words"
"""The modality that every shop has, in explanations and weights."""


@dataclass(frozen=True)
class Modality:
    """One kind of content, and what reads it.

    Args:
        name: In explanations and weights: ``picture``.
        encoder: Its encoder.
        item_vectors: What a bundle holds of it.
        extra: Optional packages that read it.
        is_installed: Whether they are there.
    """

    name: str
    encoder: type[Encoder]
    item_vectors: type[ItemVectors[Any]]
    extra: str
    is_installed: Callable[[], bool]

    @property
    def medium(self) -> Medium:
        """The kind of file."""
        return self.encoder.medium

    @property
    def folder(self) -> str:
        """Its folder in a bundle, and its key in the metrics."""
        return f"{self.medium.noun}s"

    def settings(self, config: Config) -> Any:
        """Its section of the config."""
        return getattr(config, self.encoder.section)


PICTURE = Modality("picture", ImageEncoder, ItemPictures, "vision", pictures.is_installed)
SOUND = Modality("sound", SoundEncoder, ItemVectors, waveform.EXTRA, waveform.is_installed)

MODALITIES = (PICTURE, SOUND)
"""In the order of the weights. Another one is a reader, an encoder, and its place in this list."""
