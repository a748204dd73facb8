"""Rebuilds vector indexes in the background once their overlays have grown."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Sequence

from towers.indexes.item_index import ItemIndex

logger = logging.getLogger(__name__)

_NICENESS = 10


class BackgroundRebuild:
    """One thread at a time that rebuilds the indexes that are due.

    A rebuild that fails is logged; the index goes on with its overlay, and is tried again once that
    has doubled.

    Args:
        indexes: Searched and changed by other threads meanwhile.
    """

    def __init__(self, indexes: Sequence[ItemIndex]) -> None:
        self._indexes = indexes
        self._failed_counts = [0] * len(indexes)
        self._thread: threading.Thread | None = None

    def start_if_due(self) -> None:
        """Starts a rebuild where one is due and none is running, and returns at once.

        One caller at a time.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        if any(self._is_due(number) for number in range(len(self._indexes))):
            # No daemon: ScaNN must not be at work while the process is torn down.
            self._thread = threading.Thread(target=self._run, name="index-rebuild")
            self._thread.start()

    def wait(self) -> None:
        """Waits for a running rebuild."""
        if self._thread is not None:
            self._thread.join()

    def _is_due(self, number: int) -> bool:
        index = self._indexes[number]
        return index.is_rebuild_due and index.overlay_count >= 2 * self._failed_counts[number]

    def _run(self) -> None:
        # Linux has a niceness for each thread; where it cannot be set, searches get a bit slower.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        for number, index in enumerate(self._indexes):
            if self._is_due(number):
                try:
                    index.rebuild()
                    self._failed_counts[number] = 0
                except Exception:
                    self._failed_counts[number] = index.overlay_count
                    logger.exception(
                        "rebuild of an index of %d rows failed", index.shape.item_count
                    )
