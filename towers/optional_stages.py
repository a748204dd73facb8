"""Stages that an answer can do without: one that fails is left out, named, and logged.

Optional is what reads an index, a model or counts, and what only adds to an answer. What must not
be shown (filters, exclusions, hidden items) is never optional.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from data.errors import NextclickError

logger = logging.getLogger(__name__)

_LOG_SECONDS = 60.0

_Value = TypeVar("_Value")


class OptionalStages:
    """Runs optional stages.

    Strict at first, so that training, the release of a bundle and its load fail where a stage does.

    Args:
        clock: Seconds that never go back; each stage is logged once a minute at most.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_tolerant = False
        self._logged_times: dict[str, float] = {}
        self._lock = threading.Lock()

    def tolerate(self) -> None:
        """From here on a stage that fails is left out: for answers to shoppers."""
        self._is_tolerant = True

    def run(
        self, name: str, compute: Callable[[], _Value], instead: _Value, missing: list[str]
    ) -> _Value:
        """What ``compute`` gives; where it raises, ``instead``, and ``name`` joins ``missing``.

        Raises:
            NextclickError: As raised: whatever is refused on purpose is no failure of a stage.
            Exception: As raised, while strict.
        """
        try:
            return compute()
        except NextclickError:
            raise
        except Exception as error:
            if not self._is_tolerant:
                raise
            self._log(name, error)
            if name not in missing:
                missing.append(name)
            return instead

    def _log(self, name: str, error: Exception) -> None:
        now = self._clock()
        with self._lock:
            if now - self._logged_times.get(name, -np.inf) < _LOG_SECONDS:
                return
            self._logged_times[name] = now
        # Not the error's own text, which may quote what a shopper typed.
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("stage %s failed: %s\n%s", name, type(error).__name__, frames)


def finite(values: np.ndarray) -> np.ndarray:
    """The same values.

    Raises:
        FloatingPointError: Not all of them are finite.
    """
    # The ufunc's own method: ``all`` takes twice as long over one list.
    if not np.logical_and.reduce(np.isfinite(values), axis=None):
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise FloatingPointError(
            f"expected finite numbers, received {count:,} others among {values.size:,}"
        )
    return values
