"""Work that makes many objects and next to no garbage, without garbage collections."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_was_on: list[bool] = []
"""One entry for each block that is being run, by whatever thread: whether collection was on before it."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Turns garbage collection off until the last of the blocks that overlap is left.

    A collection looks at all objects, ever more of which stay: where a bundle is loaded or a loop is
    compiled, that took a tenth of the time.
    """
    with _lock:
        _was_on.append(gc.isenabled() or any(_was_on))
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            if _was_on.pop() and not _was_on:
                gc.enable()
