"""Folders and files that are written completely or not at all: written aside, flushed, then renamed."""

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
    """Yields a new, empty folder to write into, which becomes ``out`` if the block succeeds.

    An older folder of that name stays readable until the new one is complete and on disk. If the
    block raises, ``out`` is unchanged and the unfinished folder is deleted.

    Args:
        out: The folder to create, with missing parents. For a link, its target is replaced.
        marker: Name of a file in every such folder; a folder without it is not replaced.

    Yields:
        A hidden folder beside ``out``, on the same file system.

    Raises:
        InputError: ``out`` is a file, a folder with other content, or cannot be created.
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
        # mkdtemp creates a private folder; the finished one follows the user's umask.
        unfinished.chmod(0o777 & ~_umask())
        _replace(unfinished, out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def atomic_file(out: Path, *, is_private: bool = False) -> Iterator[Path]:
    """Yields the path of a new file to write, which becomes ``out`` if the block succeeds.

    Args:
        out: The file to create or replace, with missing parents. For a link, its target is replaced.
        is_private: Whether only its owner may read it, whatever the umask.

    Raises:
        InputError: It cannot be created.
    """
    out = Path(os.path.realpath(out))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=".new", dir=out.parent)
    except OSError as error:
        raise InputError(
            f"{out}: expected a place for a file, received: {error.strerror}"
        ) from error
    os.close(descriptor)
    unfinished = Path(name)
    try:
        yield unfinished
        with open(unfinished, "rb") as file:
            os.fsync(file.fileno())
        # As for a folder, mkstemp's file is private.
        if not is_private:
            unfinished.chmod(0o666 & ~_umask())
        unfinished.rename(out)
        _flush_folder(out.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def check_replaceable(out: Path, *, marker: str) -> None:
    """Checks before long work that ``atomic_folder`` may replace ``out``; arguments as there.

    Raises:
        InputError: ``out`` is a file, or a non-empty folder without the marker.
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
        _replace_in_two_steps(new, out)
    _flush_folder(out.parent)


def _exchange(new: Path, out: Path) -> bool:
    """Swaps two names atomically; False if kernel or file system do not support it."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    arguments = (_AT_WORKING_FOLDER, os.fsencode(new), _AT_WORKING_FOLDER, os.fsencode(out))
    return bool(rename(*arguments, _RENAME_EXCHANGE) == 0)


def _replace_in_two_steps(new: Path, out: Path) -> None:
    # Rename cannot replace a non-empty folder, so the old one is moved away first.
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
    # The umask can only be read by setting it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
