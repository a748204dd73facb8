"""Folders that are there whole or not at all: written beside, flushed, then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import InputError


@contextmanager
def atomic_folder(out: Path) -> Iterator[Path]:
    """A new, empty folder to write into, which becomes ``out`` when the block ends well.

    An older folder of that name stays readable until the new one is complete and on disk. If the
    block raises, ``out`` is as it was and nothing half-written is left.

    Args:
        out: The folder to make; missing parents are made too.

    Yields:
        A hidden folder beside ``out``, on the same file system.

    Raises:
        InputError: ``out`` is a file.
    """
    out = Path(os.path.abspath(out))
    if out.exists() and not out.is_dir():
        raise InputError(f"{out.name}: expected a folder or nothing, received a file")
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".new", dir=out.parent))
    try:
        yield unfinished
        _flush(unfinished)
        # mkdtemp makes a private folder; the finished one follows the user's umask.
        unfinished.chmod(0o777 & ~_umask())
        _replace(unfinished, out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _replace(new: Path, out: Path) -> None:
    if not out.exists():
        new.rename(out)
        _flush_folder(out.parent)
        return
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
        _flush_folder(out.parent)
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
