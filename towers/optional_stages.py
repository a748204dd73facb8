"""Graceful degradation: an optional stage that fails is left out of the answer, named and logged.

Stages that read an index, a model or counts are optional. Filters, exclusions and hidden items never
are.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from data.errors import NextclickError
from towers.compiled import BOOL, F32, compiled, read

logger = logging.getLogger(__name__)

_LOG_SECONDS = 60.0

_Value = TypeVar("_Value")


class OptionalStages:
    """Runs optional stages.

    Strict at first, so that errors in training, in the release of a bundle and in its load are raised.

    Args:
        clock: Monotonic seconds; each stage is logged once a minute at most.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_tolerant = False
        self._logged_times: dict[str, float] = {}
        self._lock = threading.Lock()

    def tolerate(self) -> None:
        """Switches to tolerant mode, for serving: failing stages are left out."""
        self._is_tolerant = True

    def run(
        self, name: str, compute: Callable[[], _Value], instead: _Value, missing: list[str]
    ) -> _Value:
        """The result of ``compute``; where it raises, ``instead``, and ``name`` is added to ``missing``.

        Raises:
            NextclickError: As raised: a deliberate refusal is not a failure of the stage.
            Exception: As raised, in strict mode.
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
        # Without the error message, which may contain a visitor's query.
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("stage %s failed: %s\n%s", name, type(error).__name__, frames)


def finite(values: np.ndarray) -> np.ndarray:
    """The same values.

    Raises:
        FloatingPointError: Not all of them are finite.
    """
    if values.dtype == np.float32 and values.ndim == 1 and values.flags.c_contiguous:
        # Of most calls, on the path of every request.
        are_finite = _are_finite(values)
    else:
        are_finite = bool(np.isfinite(values).all())
    if not are_finite:
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise FloatingPointError(
            f"expected finite numbers, received {count:,} others among {values.size:,}"
        )
    return values


@compiled(BOOL, read(F32))
def _are_finite(values: np.ndarray) -> bool:
    are_finite = True
    for value in values:
        are_finite &= math.isfinite(value)
    return are_finite
