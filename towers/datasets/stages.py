"""Who is told how far training is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Stages(Protocol):
    """Who is told how far training is."""

    def start(self, stage: str, total: int | None = None) -> Callable[..., None]:
        """A stage begins; what is returned is called with steps done (total, loss where known)."""
