"""CPU time and memory of a process on this machine and of its descendants, from ``/proc`` (Linux)."""

from __future__ import annotations

import os
import time
from pathlib import Path

_CPU_CLOCK_SCHED = 2
_LISTEN = "0A"
_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


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


def listening_pid(address: str) -> int | None:
    """The process of this machine that listens on ``address``, ``host:port``; None if there is none.

    Also None where the process belongs to another user, or the host is not a loopback address.
    """
    host, _, port = address.rpartition(":")
    if host not in _LOOPBACK_HOSTS or not port.isdigit():
        return None
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == int(port):
                inodes.add(f"socket:[{fields[9]}]")
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        if target in inodes:
            return int(descriptor.parts[2])
    return None


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
