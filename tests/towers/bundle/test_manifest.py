"""A folder is what was signed, to the byte; whatever is not is refused by name."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from data.errors import BundleError
from towers.bundle.manifest import FORMAT, NAME, Manifest, sign, verify

FILES = {
    "a.json": b'{"a": 1}',
    "b.npy": bytes(range(256)),
    "deep/c.bin": b"x" * 1_000,
    "deep/d.bin": b"y" * 1_000,
    "deep/er/e.txt": "标题".encode(),
    "empty": b"",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sign(folder, 1_700_000_000.0)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        verify(folder)
    return str(caught.value)


def test_a_signed_folder_is_accepted_as_it_was_signed(folder: Path) -> None:
    manifest = verify(folder)
    assert manifest == sign(folder, 1_700_000_000.0) == verify(folder)
    assert manifest.created_time == 1_700_000_000.0
    assert len(manifest.bundle_id) == 12 and int(manifest.bundle_id, 16) >= 0


def test_the_id_is_that_of_the_content_and_not_of_the_path(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    assert verify(copy) == verify(folder)
    (copy / "a.json").write_bytes(b'{"a": 2}')
    assert sign(copy, 1_700_000_000.0).bundle_id != verify(folder).bundle_id
    (copy / "a.json").write_bytes(FILES["a.json"])
    assert sign(copy, 1_700_000_001.0).bundle_id != verify(folder).bundle_id


def test_two_folders_of_the_same_content_have_the_same_id(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for name in sorted(FILES, reverse=True):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_bytes(FILES[name])
    assert sign(other, 1_700_000_000.0) == verify(folder)


@pytest.mark.parametrize("name", [name for name in FILES if FILES[name]])
def test_a_truncated_file_is_named_with_both_sizes(folder: Path, name: str) -> None:
    size = len(FILES[name])
    os.truncate(folder / name, size - 1)
    assert refusal(folder) == f"{name}: expected {size} bytes, received {size - 1}"


@pytest.mark.parametrize("name", [name for name in FILES if FILES[name]])
def test_a_flipped_bit_is_named(folder: Path, name: str) -> None:
    content = bytearray(FILES[name])
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert refusal(folder).startswith(f"{name}: expected SHA-256 ")
    assert refusal(folder).endswith("…, received other bytes")


def test_a_file_of_several_parts_counts_to_its_last_byte(folder: Path) -> None:
    content = bytearray(random.Random(3).randbytes(9_000_017))
    path = folder / "deep" / "large.npy"
    path.write_bytes(content)
    sign(folder, 1_700_000_000.0)
    body = json.loads((folder / NAME).read_text())
    assert body["files"]["deep/large.npy"]["sha256"] == hashlib.sha256(content).hexdigest()
    content[-1] ^= 1
    path.write_bytes(content)
    assert "deep/large.npy" in refusal(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder) == f"{name}: expected in the bundle, received no such file"


@pytest.mark.parametrize("name", ["new.bin", "deep/new.pkl", "deep/er/.hidden", "other/f", "z\n"])
def test_an_added_file_is_named(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    assert refusal(folder) == f"{name}: expected no file that is not in {NAME}"


@pytest.mark.parametrize("name", FILES)
def test_a_link_to_the_very_content_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "aside")
    (folder / name).symlink_to(tmp_path / "aside")
    assert refusal(folder) == f"{name}: expected a plain file, received something else"


def test_a_linked_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "deep").rename(tmp_path / "aside")
    (folder / "deep").symlink_to(tmp_path / "aside")
    assert refusal(folder) == "deep/c.bin: expected in the bundle, received no such file"


def test_a_link_beside_the_files_is_refused(folder: Path) -> None:
    (folder / "more").symlink_to("/")
    assert refusal(folder) == f"more: expected no file that is not in {NAME}"


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_in_place_of_a_file_is_refused(folder: Path, kind: str) -> None:
    (folder / "a.json").unlink()
    if kind == "folder":
        (folder / "a.json").mkdir()
        assert refusal(folder) == "a.json: expected in the bundle, received no such file"
    else:
        os.mkfifo(folder / "a.json")
        assert refusal(folder) == "a.json: expected a plain file, received something else"


def test_two_swapped_files_are_refused(folder: Path) -> None:
    one, other = folder / "deep/c.bin", folder / "deep/d.bin"
    one.rename(folder / "aside")
    other.rename(one)
    (folder / "aside").rename(other)
    assert refusal(folder).startswith("deep/c.bin: expected SHA-256 ")


def test_a_folder_without_a_manifest_is_no_bundle(folder: Path) -> None:
    (folder / NAME).unlink()
    expected = f"bundle: expected a bundle with a {NAME}, received none"
    assert refusal(folder) == expected
    (folder / NAME).symlink_to(folder / "a.json")
    assert refusal(folder) == expected
    assert refusal(folder / "nowhere") == expected.replace("bundle:", "nowhere:")


def edited(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    body = json.loads((folder / NAME).read_text(encoding="utf-8"))
    change(body)
    (folder / NAME).write_text(json.dumps(body), encoding="utf-8")


def test_an_edited_list_of_files_is_refused(folder: Path) -> None:
    (folder / "empty").unlink()
    edited(folder, lambda body: body["files"].pop("empty"))  # type: ignore[attr-defined]
    assert refusal(folder).startswith(f"{NAME}: expected the digest of its files, received '")


def test_an_edited_time_is_refused(folder: Path) -> None:
    edited(folder, lambda body: body.update(created_time=0.0))
    assert refusal(folder).startswith(f"{NAME}: expected the digest of its files, received '")


@pytest.mark.parametrize("version", [0, 3, FORMAT + 1, str(FORMAT), None])
def test_another_version_is_refused_with_what_to_do(folder: Path, version: object) -> None:
    edited(folder, lambda body: body.update(format=version))
    assert refusal(folder) == (
        f"{NAME}: expected version {FORMAT}, received {version!r}; train again"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"files": {}, "bundle_id": "x"}',
        b'{"files": [], "bundle_id": "x", "created_time": 0, "format": 1}',
        b'{"files": {"a": 5}, "bundle_id": "x", "created_time": 0, "format": 1}',
        b'{"files": {"a": {}}, "bundle_id": "x", "created_time": 0, "format": 1}',
        b'{"files": {}, "bundle_id": "x", "created_time": "then", "format": 1}',
        b'{"files": {}, "bundle_id": "x", "created_time": 1' + b"0" * 400 + b', "format": 1}',
        b"[" * 500_000,
        b'{"a":' * 100_000,
    ],
)
def test_a_manifest_of_any_other_content_is_refused(folder: Path, content: bytes) -> None:
    (folder / NAME).write_bytes(content)
    assert refusal(folder).startswith(f"{NAME}: expected a signed list of files, received ")


def test_a_huge_manifest_is_not_even_read(folder: Path) -> None:
    with (folder / NAME).open("ab") as file:
        file.truncate(1_000_001)
    assert refusal(folder) == f"{NAME}: expected at most 1,000,000 bytes"


def test_a_thousand_mutants_are_refused_each_by_a_name_in_the_folder(
    folder: Path, tmp_path: Path
) -> None:
    rng = random.Random(7)
    pristine = tmp_path / "pristine"
    folder.rename(pristine)
    names = [*FILES, NAME]
    for number in range(1_000):
        shutil.copytree(pristine, folder)
        named = mutate(folder, rng, names)
        message = refusal(folder)
        assert any(message.startswith(name) for name in named), (number, named, message)
        shutil.rmtree(folder)
    assert isinstance(verify(pristine), Manifest)


def mutate(folder: Path, rng: random.Random, names: list[str]) -> list[str]:
    """One damage to one file; returns the names that a refusal may begin with."""
    name = rng.choice([name for name in names if name != "empty"])
    path = folder / name
    content = bytearray(path.read_bytes())
    kind = rng.choice(["truncate", "flip", "delete", "append", "swap", "extra", "pickle"])
    if kind == "truncate":
        os.truncate(path, rng.randrange(len(content)))
    elif kind == "flip":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
    elif kind == "delete":
        path.unlink()
    elif kind == "append":
        path.write_bytes(content + b"\x00")
    elif kind == "swap":
        other = rng.choice([other for other in names if other != name])
        theirs = (folder / other).read_bytes()
        (folder / other).write_bytes(content)
        path.write_bytes(theirs)
        return [name, other, "bundle", NAME]
    else:
        added = f"extra{rng.random()}{'.pkl' if kind == 'pickle' else ''}"
        (folder / added).write_bytes(b"\x80\x04N.")
        return [added]
    # A damaged manifest is refused itself, or no longer knows a file as it is.
    return ["bundle", NAME, *names] if name == NAME else [name]


def test_a_name_that_no_file_system_takes_is_refused_as_no_bundle(tmp_path: Path) -> None:
    assert "expected a bundle, received: File name too long" in refusal(tmp_path / ("a" * 300))
