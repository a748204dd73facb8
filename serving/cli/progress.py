"""Progress bars on standard error, one line per stage of a long command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

_SHOWN_EVERY_SECONDS = 0.1


class StageBars:
    """One bar per stage; finished stages stay on the screen with their duration.

    Attributes:
        seconds: Duration of each finished stage, by name, in order.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._name = ""
        self._task: TaskID | None = None
        self._began = 0.0
        self.seconds: dict[str, float] = {}

    def start(self, stage: str, total: int | None = None) -> Callable[..., None]:
        """Finishes the previous stage and starts one; the returned function reports progress.

        It takes ``done`` steps, or ``done, total, loss`` if the total is not known beforehand, and a
        ``note`` to show in place of the loss.
        """
        self.finish()
        self._name, self._began = stage, time.perf_counter()
        task = self._progress.add_task(stage, total=total, note="")
        self._task = task
        shown_time = 0.0

        def report(
            done: int, known_total: int | None = None, loss: float | None = None, note: str = ""
        ) -> None:
            nonlocal shown_time
            now = time.perf_counter()
            if now - shown_time < _SHOWN_EVERY_SECONDS:
                return
            shown_time = now
            note = note if loss is None else f"loss {loss:.3f}"
            self._progress.update(task, completed=done, total=known_total or total, note=note)

        return report

    def finish(self) -> None:
        """Finishes the current stage."""
        if self._task is None:
            return
        total = self._progress.tasks[self._task].total or 1
        self._progress.update(self._task, total=total, completed=total, note="")
        self._progress.stop_task(self._task)
        self.seconds[self._name] = time.perf_counter() - self._began
        self._task = None


@contextmanager
def stage_bars() -> Iterator[StageBars]:
    """Shows bars while the block runs; prints nothing if there is no terminal."""
    console = Console(stderr=True)
    progress = Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
    )
    with progress:
        bars = StageBars(progress)
        yield bars
        bars.finish()
