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
    def sources(self) -> Path:
        """A folder of each candidate source, by its name; no visitor is named there."""
        return self.folder / "sources"

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
