"""Paths inside a bundle folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths inside a bundle folder."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @property
    def catalog(self) -> Path:
        """Columns of the items."""
        return self.folder / "catalog"

    @property
    def sources(self) -> Path:
        """A folder of each candidate source, by its name; without visitor data."""
        return self.folder / "sources"

    @property
    def completion(self) -> Path:
        """The prefix index of titles, and popular queries."""
        return self.folder / "completion"

    @property
    def offers(self) -> Path:
        """Offers, audiences, redemptions and their model, with visitor ids; missing without any."""
        return self.folder / "offers"

    @property
    def after_sales(self) -> Path:
        """What follows a purchase; without visitor data."""
        return self.folder / "after_sales"

    @property
    def variants(self) -> Path:
        """The variant group of each item; missing in a bundle made before they were found."""
        return self.folder / "variants"

    @property
    def demand(self) -> Path:
        """The forecast of demand; missing without one."""
        return self.folder / "demand"

    @property
    def training(self) -> Path:
        """Files for training and batch embedding only."""
        return self.folder / "training"

    @property
    def model(self) -> Path:
        """Metadata of the models that serving needs."""
        return self.folder / "model.json"

    @property
    def metrics(self) -> Path:
        """Loss curves and metrics of the training."""
        return self.folder / "metrics.json"
