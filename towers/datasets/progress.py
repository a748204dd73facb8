"""The protocol that training reports its progress by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Receives the progress of training."""

    def start(self, stage: str, total: int | None = None) -> Callable[..., None]:
        """Starts a stage; the callback returned takes steps done (and total, loss where known)."""
