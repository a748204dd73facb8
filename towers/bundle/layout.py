"""Where things are inside a bundle folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Where things are inside a bundle folder."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @property
    def catalog(self) -> Path:
        """Columns of the items."""
        return self.folder / "catalog"

    @property
    def embeddings(self) -> Path:
        """``[items, dim] float32`` unit rows."""
        return self.folder / "embeddings.npy"

    @property
    def index(self) -> Path:
        """ScaNN's files."""
        return self.folder / "index"

    @property
    def lexical(self) -> Path:
        """tantivy's files."""
        return self.folder / "lexical"

    @property
    def sessions(self) -> Path:
        """Companions and past sessions, without names of visitors."""
        return self.folder / "sessions"

    @property
    def popularity(self) -> Path:
        """Decayed counts, and which things people buy again."""
        return self.folder / "popularity"

    @property
    def completion(self) -> Path:
        """Titles by the beginnings of their words, and queries that many visitors typed."""
        return self.folder / "completion"

    @property
    def training(self) -> Path:
        """What only training and embedding read."""
        return self.folder / "training"

    @property
    def model(self) -> Path:
        """Facts about the models that serving needs."""
        return self.folder / "model.json"

    @property
    def metrics(self) -> Path:
        """Curves and figures of the training."""
        return self.folder / "metrics.json"
