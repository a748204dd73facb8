"""The signed list of a bundle's files, verified before any of them is parsed."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data.errors import BundleError

NAME = "manifest.json"
FORMAT = 4
"""Version of the bundle format; another one is refused."""

_LARGEST_MANIFEST = 1_000_000
_READING_THREADS = 2
"""Files read at once: hashing does not hold the interpreter lock."""
_PART_BYTES = 4_000_000
"""Of a file, read at once. ``hashlib.file_digest`` reads far smaller parts, and a thread waits for the
interpreter lock after each: 5 ms where others use it, unless threads are switched more often."""


@dataclass(frozen=True)
class Manifest:
    """The identity of a verified bundle.

    Args:
        bundle_id: First 12 hexadecimal digits of the digest over all files.
        created_time: Seconds since 1970.
    """

    bundle_id: str
    created_time: float


def sign(folder: Path, created_time: float) -> Manifest:
    """Writes the manifest of a finished folder, replacing an older one."""
    files = {name: _entry(folder / name) for name in sorted(_names(folder) - {NAME})}
    body = {"format": FORMAT, "created_time": created_time, "files": files}
    bundle_id = _digest(body)
    text = json.dumps({"bundle_id": bundle_id, **body}, indent=1)
    (folder / NAME).write_text(text, encoding="utf-8")
    return Manifest(bundle_id, created_time)


def verify(folder: Path) -> Manifest:
    """Checks that the folder holds exactly what was signed.

    Raises:
        BundleError: Names the first file that is missing, added, a link, or not as it was signed.
    """
    path = folder / NAME
    try:
        is_there = path.is_file() and not path.is_symlink()
    except OSError as error:  # A name that is too long, or a folder that may not be entered.
        received = error.strerror
        raise BundleError(f"{folder.name}: expected a bundle, received: {received}") from error
    if not is_there:
        raise BundleError(f"{folder.name}: expected a bundle with a {NAME}, received none")
    if path.stat().st_size > _LARGEST_MANIFEST:
        raise BundleError(f"{NAME}: expected at most {_LARGEST_MANIFEST:,} bytes")
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        files, bundle_id = body["files"], body.pop("bundle_id")
        created_time, format_ = float(body["created_time"]), body["format"]
        expected = {
            str(name): (entry["bytes"], str(entry["sha256"])) for name, entry in files.items()
        }
    except Exception as error:  # A manifest may be any bytes at all.
        raise BundleError(f"{NAME}: expected a signed list of files, received {error!r}") from error
    if format_ != FORMAT:
        raise BundleError(f"{NAME}: expected version {FORMAT}, received {format_!r}; train again")
    if bundle_id != _digest(body):
        raise BundleError(f"{NAME}: expected the digest of its files, received {bundle_id!r}")
    found = _names(folder) - {NAME}
    for name in sorted(expected.keys() - found):
        raise BundleError(f"{name}: expected in the bundle, received no such file")
    for name in sorted(found - expected.keys()):
        raise BundleError(f"{name}: expected no file that is not in {NAME}")
    names = sorted(expected)
    with ThreadPoolExecutor(_READING_THREADS) as pool:
        # In the order of names, so that the first fault is told.
        for _ in pool.map(partial(_verify_file, folder), names, map(expected.__getitem__, names)):
            pass
    return Manifest(str(bundle_id), created_time)


def _verify_file(folder: Path, name: str, expected: tuple[int, str]) -> None:
    file, (size, digest) = folder / name, expected
    if file.is_symlink() or not file.is_file():
        raise BundleError(f"{name}: expected a plain file, received something else")
    if file.stat().st_size != size:
        raise BundleError(f"{name}: expected {size} bytes, received {file.stat().st_size}")
    try:
        received = _file_digest(file)
    except OSError as error:
        raise BundleError(f"{name}: expected a readable file, received {error!r}") from error
    if received != digest:
        raise BundleError(f"{name}: expected SHA-256 {digest[:12]}…, received other bytes")


def _names(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def _entry(path: Path) -> dict[str, object]:
    return {"bytes": path.stat().st_size, "sha256": _file_digest(path)}


def _file_digest(path: Path) -> str:
    digest, part = hashlib.sha256(), bytearray(_PART_BYTES)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(part):
            digest.update(memoryview(part)[:count])
    return digest.hexdigest()


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]
