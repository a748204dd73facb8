"""Where machine code is kept, and functions compiled from generated source."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from towers import compiled
from towers.compiled import F64, cache_folder, generated, inlined, read, sources_hash, written


def test_every_version_has_a_folder_and_a_new_one_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        first = cache_folder(tmp_path, "one")
        assert cache_folder(tmp_path, "one") == first
        second = cache_folder(tmp_path, "two")
    assert first != second and first.is_dir() and second.is_dir()
    assert [record.message.partition(",")[0] for record in caplog.records] == [
        "compiling the loops of this version"
    ] * 2


def test_a_constant_of_another_file_makes_another_version(tmp_path: Path) -> None:
    files = {
        "towers/loops.py": "# compiled\nfrom towers.names import (\n    NAMES,\n)\n",
        "towers/names.py": "from data.kinds import KINDS\nNAMES = KINDS\n",
        "data/kinds.py": "KINDS = 3\n",
        "serving/words.py": "WORDS = 5\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    first = sources_hash(tmp_path)
    (tmp_path / "serving/words.py").write_text("WORDS = 6\n")
    assert sources_hash(tmp_path) == first
    hashes = {first}
    for name in ("towers/loops.py", "towers/names.py", "data/kinds.py"):
        (tmp_path / name).write_text(files[name] + "# changed\n")
        hashes.add(sources_hash(tmp_path))
    assert len(hashes) == 4


def test_folders_of_old_versions_go(tmp_path: Path) -> None:
    folders = [cache_folder(tmp_path, f"v{number}") for number in range(20)]
    assert folders[-1].is_dir()
    assert sum(folder.is_dir() for folder in folders) == 8


def test_without_a_folder_to_write_to_the_code_is_kept_for_the_process(tmp_path: Path) -> None:
    taken = tmp_path / "nextclick"
    taken.write_text("a file where the folder would be")
    folder = cache_folder(tmp_path, "one")
    assert folder.is_dir() and tmp_path not in folder.parents
    folder.rmdir()


def test_generated_source_is_compiled_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "CACHE_FOLDER", tmp_path)
    text = "def doubled(values, results):\n    for n in range(len(values)):\n"
    text += "        results[n] = twice(values[n])\n"
    twice = inlined(lambda value: 2.0 * value)
    signature = (read(F64), written(F64))
    function = generated("doubled", text, {"twice": twice}, signature)
    values, results = np.array([1.5, -2.0]), np.zeros(2)
    # Arrays that nobody may write are read too.
    values.flags.writeable = False
    function(values, results)
    assert results.tolist() == [3.0, -4.0]
    assert (tmp_path / "doubled.py").read_text() == text
