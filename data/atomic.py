"""Folders that are there whole or not at all: written beside, flushed, then renamed."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import InputError

_AT_WORKING_FOLDER = -100
_RENAME_EXCHANGE = 2


@contextmanager
def atomic_folder(out: Path, *, marker: str) -> Iterator[Path]:
    """A new, empty folder to write into, which becomes ``out`` when the block ends well.

    An older folder of that name stays readable until the new one is complete and on disk. If the
    block raises, ``out`` is as it was and nothing half-written is left.

    Args:
        out: The folder to make; missing parents are made too. A link keeps its target's place.
        marker: Name of a file that every such folder holds; what lacks it is not replaced.

    Yields:
        A hidden folder beside ``out``, on the same file system.

    Raises:
        InputError: ``out`` is a file, a folder of something else, or cannot be made.
    """
    check_replaceable(out, marker=marker)
    out = Path(os.path.realpath(out))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".new", dir=out.parent))
    except OSError as error:
        raise InputError(
            f"{out}: expected a place for a folder, received: {error.strerror}"
        ) from error
    try:
        yield unfinished
        _flush(unfinished)
        # mkdtemp makes a private folder; the finished one follows the user's umask.
        unfinished.chmod(0o777 & ~_umask())
        _replace(unfinished, out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def check_replaceable(out: Path, *, marker: str) -> None:
    """Refuse, before long work, what ``atomic_folder`` will not replace; arguments as there.

    Raises:
        InputError: ``out`` is a file, or a folder that is neither empty nor holds the marker.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out.name}: expected a folder or nothing, received a file")
    names = sorted(os.listdir(out))
    if names and marker not in names:
        raise InputError(
            f"{out}: expected nothing, an empty folder, or an older one with a {marker} to "
            f"replace, received a folder with {', '.join(names[:3])}"
        )


def _replace(new: Path, out: Path) -> None:
    if not out.exists():
        new.rename(out)
    elif not _exchange(new, out):
        _step_aside(new, out)
    _flush_folder(out.parent)


def _exchange(new: Path, out: Path) -> bool:
    """Swap two names in one step, where the kernel and the file system can; whether they could."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    sides = (_AT_WORKING_FOLDER, os.fsencode(new), _AT_WORKING_FOLDER, os.fsencode(out))
    return bool(rename(*sides, _RENAME_EXCHANGE) == 0)


def _step_aside(new: Path, out: Path) -> None:
    # A folder that is not empty cannot be renamed over, so the old one steps aside for a moment.
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".old", dir=out.parent))
    old = aside / out.name
    try:
        out.rename(old)
        try:
            new.rename(out)
        except OSError:
            old.rename(out)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _flush(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            with open(Path(parent) / name, "rb") as file:
                os.fsync(file.fileno())
        _flush_folder(Path(parent))


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    # The mask can only be read by setting it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
