"""Vectors of texts are kept between trainings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from towers.training.encoder import encoding_cache
from towers.training.encoder.encoding_cache import EncodingCache, cache_folder


def vectors(count: int) -> np.ndarray:
    # Of halves, which half precision keeps as they are.
    return np.arange(count * 4, dtype=np.float32).reshape(count, 4) / 2


def known(cache: EncodingCache, *texts: str) -> list[bool]:
    return cache.read(texts)[1].tolist()


def test_what_was_written_is_read_again_by_another_training(tmp_path: Path) -> None:
    path = tmp_path / "new" / "cache.npz"
    EncodingCache(path, 4).write(["lamp", "水杯"], vectors(2))
    EncodingCache(path, 4).write(["rug"], vectors(1) + 50)
    found, is_known = EncodingCache(path, 4).read(["rug", "sofa", "水杯"])
    assert is_known.tolist() == [True, False, True]
    assert found.dtype == np.float32
    assert found.tolist() == [(vectors(1)[0] + 50).tolist(), [0.0] * 4, vectors(2)[1].tolist()]
    assert [one.name for one in path.parent.iterdir()] == ["cache.npz"]


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04 cut"])
def test_a_damaged_file_is_ignored_and_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cache.npz"
    path.write_bytes(content)
    cache = EncodingCache(path, 4)
    assert known(cache, "lamp") == [False]
    cache.write(["lamp"], vectors(1))
    assert known(EncodingCache(path, 4), "lamp") == [True]


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_file_cut_short_or_changed_breaks_nothing(tmp_path: Path, part: float) -> None:
    path = tmp_path / "cache.npz"
    EncodingCache(path, 4).write([f"text {number}" for number in range(50)], vectors(50))
    whole = path.read_bytes()
    at = int(len(whole) * part)
    path.write_bytes(whole[:at])
    assert known(EncodingCache(path, 4), "text 1") == [False]
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    EncodingCache(path, 4).read(["text 1"])


def test_vectors_of_another_length_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "cache.npz"
    EncodingCache(path, 4).write(["lamp"], vectors(1))
    assert known(EncodingCache(path, 3), "lamp") == [False]


def test_of_more_than_the_limit_the_newest_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding_cache, "_TEXT_LIMIT", 3)
    path = tmp_path / "cache.npz"
    EncodingCache(path, 4).write(["a", "b"], vectors(2))
    EncodingCache(path, 4).write(["c", "d"], vectors(2))
    assert known(EncodingCache(path, 4), *"abcd") == [False, True, True, True]


def test_without_a_file_nothing_is_kept() -> None:
    cache = EncodingCache(None, 4)
    cache.write(["lamp"], vectors(1))
    assert known(cache, "lamp") == [False]


def test_the_cache_is_where_the_system_wants_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "nextclick"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "nextclick"
