"""Progress bars for people: a line for each stage of a long command, on standard error."""

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
    """A bar a stage; what is done stays on the screen with the time it took.

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
        """Ends the stage before and begins one; the returned function is told the steps done.

        It takes ``done``, or ``done, total, loss`` where the total is known only on the way.
        """
        self.finish()
        self._name, self._began = stage, time.perf_counter()
        task = self._progress.add_task(stage, total=total, note="")
        self._task = task
        shown = 0.0

        def report(done: int, of: int | None = None, loss: float | None = None) -> None:
            nonlocal shown
            now = time.perf_counter()
            if now - shown < _SHOWN_EVERY_SECONDS:
                return
            shown = now
            note = "" if loss is None else f"loss {loss:.3f}"
            self._progress.update(task, completed=done, total=of or total, note=note)

        return report

    def finish(self) -> None:
        """Ends the stage that is under way."""
        if self._task is None:
            return
        total = self._progress.tasks[self._task].total or 1
        self._progress.update(self._task, total=total, completed=total, note="")
        self._progress.stop_task(self._task)
        self.seconds[self._name] = time.perf_counter() - self._began
        self._task = None


@contextmanager
def stage_bars() -> Iterator[StageBars]:
    """Bars that are shown while the block runs; plain silence where there is no terminal."""
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
