"""A private copy of an index folder: tantivy writes lock files even for reading.

Live changes are written into the copy, and need not outlive the process: the item log has them. So the
copy is in memory where the system offers that. On disk every commit waits for its files to be synced,
90 ms in place of 4 for 50 items.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

MEMORY = Path("/dev/shm")
"""Linux's file system in memory."""
_LEAST_FREE_BYTES = 256_000_000
_PREFIX = "nextclick-lexical-"
_LOCK_NAME = "in-use.lock"


def new_folder(parent: Path | None = None) -> Path:
    """A new empty temporary folder; the caller removes it."""
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))


class PrivateCopy:
    """A folder that shares the files of an index, removed by ``remove``.

    Args:
        source: Folder of the index, which is not changed and may be removed meanwhile.
        memory: Folder of a file system in memory; not used without free room of 256 MB and of four
            times the index. None: that of the system.
    """

    def __init__(self, source: Path, memory: Path | None = None) -> None:
        memory = MEMORY if memory is None else memory
        self._lock = -1
        self._folders = [new_folder()]
        link_files(source, self._folders[0])
        self.folder = self._folders[0]
        size = sum(path.stat().st_size for path in self.folder.iterdir())
        if _free_bytes(memory) >= max(_LEAST_FREE_BYTES, 4 * size):
            _remove_abandoned(memory)
            in_memory = new_folder(memory)
            # Under its name only once it is locked: another process may look at this moment.
            unnamed = in_memory / "new.lock"
            self._lock = os.open(unnamed, os.O_CREAT | os.O_RDWR)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            unnamed.rename(in_memory / _LOCK_NAME)
            # Links by name, since another file system cannot share files.
            for path in _index_files(self.folder):
                _link_or_copy(path, in_memory / path.name, os.symlink)
            self._folders.append(in_memory)
            self.folder = in_memory

    def remove(self) -> None:
        """Removes the copy."""
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def link_files(source: Path, target: Path) -> None:
    """Hard-links the files of an index into another folder, or copies them where links fail.

    Committed segments are immutable, so both folders can share them; lock files are left out.
    """
    for path in _index_files(source):
        _link_or_copy(path.resolve(), target / path.name, os.link)


def _index_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.suffix != ".lock")


def _link_or_copy(source: Path, target: Path, link: Callable[[Path, Path], None]) -> None:
    # Files that tantivy rewrites in place (JSON) must not be shared.
    if source.suffix != ".json":
        try:
            link(source, target)
            return
        except OSError:
            pass
    shutil.copyfile(source, target)


def _free_bytes(folder: Path) -> int:
    """Free room of the file system of a folder; 0 where it cannot be written."""
    if not os.access(folder, os.W_OK):
        return 0
    return shutil.disk_usage(folder).free


def _remove_abandoned(memory: Path) -> None:
    """Removes the copies of killed processes, whose locks nobody holds."""
    for folder in memory.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder / _LOCK_NAME, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
