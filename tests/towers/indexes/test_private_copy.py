"""A private copy of an index, on disk and in memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from towers.indexes.private_copy import PrivateCopy, link_files

_SEGMENT, _NAMES = b"a segment", b'{"segments": 1}'


@pytest.fixture
def index_folder(tmp_path: Path) -> Path:
    """An index of one segment, with the lock file of a reader."""
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "one.store").write_bytes(_SEGMENT)
    (folder / "meta.json").write_bytes(_NAMES)
    (folder / "reader.lock").write_bytes(b"")
    return folder


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    """A folder that stands for the file system in memory."""
    folder = tmp_path / "memory"
    folder.mkdir()
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


def test_copy_in_memory_has_the_index_and_outlives_it(index_folder: Path, memory: Path) -> None:
    copy = PrivateCopy(index_folder, memory)
    shutil.rmtree(index_folder)
    assert copy.folder.parent == memory
    assert _files(copy.folder) == {"one.store": _SEGMENT, "meta.json": _NAMES}


def test_changes_stay_in_the_copy(index_folder: Path, memory: Path) -> None:
    copy = PrivateCopy(index_folder, memory)
    (copy.folder / "meta.json").write_bytes(b"{}")
    (copy.folder / "two.store").write_bytes(b"new")
    (copy.folder / "one.store").unlink()
    assert _files(index_folder) == {"one.store": _SEGMENT, "meta.json": _NAMES}


def test_saved_files_are_files_of_their_own(
    index_folder: Path, memory: Path, tmp_path: Path
) -> None:
    copy = PrivateCopy(index_folder, memory)
    saved = tmp_path / "saved"
    saved.mkdir()
    link_files(copy.folder, saved)
    copy.remove()
    shutil.rmtree(index_folder)
    assert not (saved / "one.store").is_symlink()
    assert _files(saved) == {"one.store": _SEGMENT, "meta.json": _NAMES}


def test_removed_copy_leaves_nothing(index_folder: Path, memory: Path) -> None:
    copy = PrivateCopy(index_folder, memory)
    folder = copy.folder
    copy.remove()
    assert not folder.exists()
    assert not [*memory.iterdir()]


def test_stays_on_disk_where_memory_is_small(
    index_folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a container, whose file system in memory has 64 MB.
    usage = namedtuple("usage", ["total", "used", "free"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(64_000_000, 0, 64_000_000))
    copy = PrivateCopy(index_folder, memory)
    assert copy.folder.parent != memory
    assert _files(copy.folder) == {"one.store": _SEGMENT, "meta.json": _NAMES}


def test_stays_on_disk_where_there_is_no_memory(index_folder: Path, tmp_path: Path) -> None:
    copy = PrivateCopy(index_folder, tmp_path / "none")
    assert _files(copy.folder) == {"one.store": _SEGMENT, "meta.json": _NAMES}


def test_copies_of_killed_processes_are_removed_and_no_others(
    index_folder: Path, memory: Path
) -> None:
    own = PrivateCopy(index_folder, memory)
    code = (
        "import os, sys; from pathlib import Path; "
        "from towers.indexes.private_copy import PrivateCopy; "
        "copy = PrivateCopy(Path(sys.argv[1]), Path(sys.argv[2])); os._exit(9)"
    )
    words = [sys.executable, "-c", code, str(index_folder), str(memory)]
    assert subprocess.run(words, check=False).returncode == 9
    assert len([*memory.iterdir()]) == 2
    another = PrivateCopy(index_folder, memory)
    assert {*memory.iterdir()} == {own.folder, another.folder}
