"""A folder is there whole or not at all, whatever happens while it is made."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from data.atomic import atomic_folder, check_replaceable
from data.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
MARKER = "marker.json"


def fill(folder: Path, version: int) -> None:
    (folder / MARKER).write_text(str(version))
    (folder / "inner").mkdir()
    (folder / "inner" / "part").write_text(str(version))


def version_of(folder: Path) -> int:
    versions = {(folder / name).read_text() for name in (MARKER, "inner/part")}
    (version,) = versions
    return int(version)


def write(out: Path, *versions: int) -> None:
    """Of two versions the second fails halfway."""
    with atomic_folder(out, marker=MARKER) as folder:
        for version in versions:
            fill(folder, version)


def test_the_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    out = tmp_path / "some" / "where" / "out"
    with atomic_folder(out, marker=MARKER) as folder:
        fill(folder, 1)
        assert not out.exists()
        assert folder.parent == out.parent
    assert version_of(out) == 1
    assert os.listdir(out.parent) == ["out"]


def test_an_older_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, 1)
    (out / "left over").write_text("old")
    with atomic_folder(out, marker=MARKER) as folder:
        fill(folder, 2)
        assert version_of(out) == 1
    assert version_of(out) == 2
    assert sorted(os.listdir(out)) == ["inner", MARKER]
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("had_older", [False, True])
def test_an_error_within_leaves_all_as_it_was(tmp_path: Path, had_older: bool) -> None:
    out = tmp_path / "out"
    if had_older:
        write(out, 1)
    with pytest.raises(FileExistsError):
        write(out, 2, 3)
    assert os.listdir(tmp_path) == (["out"] if had_older else [])
    assert not had_older or version_of(out) == 1


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "notes.txt"
    out.write_text("mine")
    expected = r"^notes\.txt: expected a folder or nothing, received a file$"
    with pytest.raises(InputError, match=expected):
        write(out, 1)
    with pytest.raises(InputError, match=expected):
        check_replaceable(out, marker=MARKER)
    assert out.read_text() == "mine"


def test_a_folder_with_other_content_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "home"
    out.mkdir()
    write(out, 1)  # an empty one may be
    (out / MARKER).rename(out / "letter")
    expected = rf"home: expected nothing, an empty folder, or an older one with a {MARKER} to rep"
    with pytest.raises(InputError, match=expected + "lace, received a folder with inner, letter$"):
        write(out, 2)
    with pytest.raises(InputError, match=expected):
        check_replaceable(out, marker=MARKER)
    assert (out / "letter").read_text() == "1"
    assert os.listdir(tmp_path) == ["home"]


def test_a_path_where_no_folder_can_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/out: expected a place for a folder, received: "):
        write(tmp_path / "file" / "out", 1)


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "disk" / "real", 1)
    link = tmp_path / "out"
    link.symlink_to(tmp_path / "disk" / "real")
    write(link, 2)
    assert link.is_symlink()
    assert version_of(tmp_path / "disk" / "real") == 2
    assert sorted(os.listdir(tmp_path)) == ["disk", "out"]
    assert os.listdir(tmp_path / "disk") == ["real"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "out", 1)
        after = os.umask(0o027)
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750
    assert after == 0o027


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps two names in one step")
def test_the_name_is_never_missing_while_the_folder_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, 0)
    gone, looks, done = [], [0], threading.Event()

    def watch() -> None:
        while not done.is_set():
            looks[0] += 1
            if not out.is_dir():
                gone.append(looks[0])

    watcher = threading.Thread(target=watch)
    watcher.start()
    for version in range(1, 40):
        write(out, version)
    done.set()
    watcher.join()
    assert gone == []
    assert looks[0] > 40


class NoSwap:
    """A C library without ``renameat2``."""

    def __init__(self, _: object) -> None:
        pass


def test_where_names_cannot_be_swapped_the_old_one_steps_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", NoSwap)
    write(tmp_path / "out", 1)
    write(tmp_path / "out", 2)
    assert version_of(tmp_path / "out") == 2
    assert os.listdir(tmp_path) == ["out"]


def test_a_rename_that_fails_puts_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "out", 1)
    rename = Path.rename

    def full_disk(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError(errno.ENOSPC, "disk full")
        return rename(self, target)

    monkeypatch.setattr(ctypes, "CDLL", NoSwap)
    monkeypatch.setattr(Path, "rename", full_disk)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "out", 2)
    assert version_of(tmp_path / "out") == 1
    assert os.listdir(tmp_path) == ["out"]


WRITER = """
    import itertools, sys
    from pathlib import Path
    from data.atomic import atomic_folder

    for version in itertools.count(1):
        with atomic_folder(Path(sys.argv[1]), marker="marker.json") as folder:
            (folder / "marker.json").write_text(str(version))
            (folder / "inner").mkdir()
            (folder / "inner" / "part").write_text(str(version))
        print(version, flush=True)
        if version == int(sys.argv[2]):
            break
"""


def test_a_writer_that_is_killed_leaves_the_old_or_the_new_one(tmp_path: Path) -> None:
    for attempt in range(12):
        out = tmp_path / str(attempt) / "out"
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(out), "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            time.sleep(attempt * 0.0037)
            writer.send_signal(signal.SIGKILL)
            written = [int(line) for line in [first, *writer.stdout.read().split()]]
        assert version_of(out) in (written[-1], written[-1] + 1)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_all_is_on_disk_before_the_name_is_given(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    subprocess.run(
        ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=fsync,rename,renameat,renameat2"]
        + [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path / "out"), "2"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    calls = re.findall(r"(fsync|rename)\w*\((.*)\) = 0", trace.read_text())
    renames = [position for position, (call, _) in enumerate(calls) if call == "rename"]
    assert len(renames) == 2
    for rename, begin in zip(renames, (0, renames[0] + 2), strict=True):
        synced = [re.sub(r"^\d+<(.*)>$", r"\1", what) for _, what in calls[begin:rename]]
        ends = {re.sub(r".*\.new", "", path) for path in synced}
        assert ends == {"", f"/{MARKER}", "/inner", "/inner/part"}
        assert f"<{tmp_path}>" in calls[rename + 1][1]
