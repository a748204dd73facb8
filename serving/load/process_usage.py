"""CPU time and memory of a process on this machine and of its descendants, from ``/proc`` (Linux)."""

from __future__ import annotations

import os
import time
from pathlib import Path

_CPU_CLOCK_SCHED = 2


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, of process ``pid`` and its living descendants.

    Raises:
        ProcessLookupError: There is no such process.
    """
    if not Path(f"/proc/{pid}").exists():
        raise ProcessLookupError(f"pid: expected a running process, received {pid}")
    total = 0.0
    for one in (pid, *_descendants(pid)):
        try:
            # The clock of another process (clock_getcpuclockid(3)): nanoseconds, where /proc/*/stat
            # has ticks of 10 ms.
            total += time.clock_gettime((~one << 3) | _CPU_CLOCK_SCHED)
        except OSError:
            # A child that has ended meanwhile.
            continue
    return total


def resident_mb(pid: int) -> int:
    """Resident memory of process ``pid`` and its descendants, in MB of 10^6 bytes.

    Pages that they share count once for each process.

    Raises:
        ProcessLookupError: There is no such process.
    """
    if not Path(f"/proc/{pid}").exists():
        raise ProcessLookupError(f"pid: expected a running process, received {pid}")
    pages = 0
    for one in (pid, *_descendants(pid)):
        try:
            pages += int(Path(f"/proc/{one}/statm").read_text(encoding="ascii").split()[1])
        except FileNotFoundError:
            continue
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = (task / "children").read_text(encoding="ascii").split()
        except FileNotFoundError:
            continue
        for child in map(int, children):
            found += [child, *_descendants(child)]
    return found
