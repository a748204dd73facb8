"""The machine that a benchmark ran on, in one line: figures mean little without it."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, cores, memory, system, Python and the load average of the last minute (Linux)."""
    processor = _field(Path("/proc/cpuinfo"), "model name")
    memory_kib = int(_field(Path("/proc/meminfo"), "MemTotal").removesuffix(" kB"))
    return (
        f"{processor}, {len(os.sched_getaffinity(0))} cores, {memory_kib / 2**20:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.1f}"
    )


def _field(path: Path, name: str) -> str:
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
