"""Columns of pictures and sounds: paths and bytes arrive; what is wrong is counted, never fatal."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import InputError
from data.media.medium import StoredContent
from data.media.picture import PICTURES
from data.media.sound import SOUNDS, looks_like_sound
from data.prepare import prepare, prepare_items
from data.tables import iter_items, read_tables

PNG = b"\x89PNG\r\n\x1a\n" + b"one" * 9
JPEG = b"\xff\xd8\xff\xe0" + b"two" * 5
FLAC = b"fLaC" + b"one" * 9
MP3 = b"\xff\xfb\x90\x00" + b"two" * 7


def images_of(tables: Path) -> dict[str, bytes | str]:
    """What each item's picture holds, or the text where it names none."""
    found: dict[str, bytes | str] = {}
    for item in iter_items(read_tables(tables).items):
        picture = PICTURES.place_of(item)
        found[item.item_id] = item.image if picture is None else PICTURES.content(picture)
    return found


def test_paths_are_relative_to_the_file_and_faults_are_counted(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    (shop / "photos").mkdir(parents=True)
    (shop / "photos" / "a.png").write_bytes(PNG)
    (shop / "photos" / "text.png").write_bytes(b"no picture at all")
    (shop / "photos" / "large.png").write_bytes(PNG + bytes(4 * 1024 * 1024))
    (shop / "items.csv").write_text(
        "item_id,category,image\n"
        "a,Fruit,photos/a.png\n"
        f"b,Fruit,{shop / 'photos' / 'a.png'}\n"
        "c,Fruit,photos/none.png\n"
        "d,Fruit,photos/text.png\n"
        "e,Fruit,photos/large.png\n"
        "f,Fruit,https://shop.example/f.png\n"
        "g,Fruit,\n"
    )
    report = prepare("files", shop, out=tmp_path / "tables", now=1e9)
    assert report["notes"] == [
        "items.csv, image: 6 items name a picture; not usable: 1 an address, which is not read, "
        "1 no JPEG, PNG or WebP picture, 1 no such file, 1 over 4 MiB"
    ]
    items = {
        item.item_id: item.image for item in iter_items(read_tables(tmp_path / "tables").items)
    }
    assert items["a"] == items["b"] == str(shop / "photos" / "a.png")
    assert items["c"] == "photos/none.png" and items["g"] == ""
    assert PICTURES.place(items["c"]) is None and PICTURES.place(items["f"]) is None
    with pytest.raises(InputError, match="image: expected at most 4,194,304 bytes, received 4,19"):
        PICTURES.content(Path(items["e"]))


def parquet_shop(folder: Path, column: str = "image") -> Path:
    folder.mkdir(exist_ok=True)
    rows = {
        "item_id": ["a", "b", "c", "d"],
        "category": ["Fruit"] * 4,
        column: pa.array([PNG, None, b"a text", JPEG], pa.binary()),
    }
    pq.write_table(pa.table(rows), folder / "items.parquet")
    return folder


def test_bytes_of_a_parquet_column_are_kept_in_the_tables(tmp_path: Path) -> None:
    shop = parquet_shop(tmp_path / "shop")
    report = prepare("files", shop, out=tmp_path / "first", now=1e9)
    assert report["notes"] == [
        "items.parquet, image: 2 items name a picture; not usable: 1 no JPEG, PNG or WebP picture"
    ]
    (shop / "items.parquet").unlink()
    tables = (tmp_path / "first").rename(tmp_path / "moved")
    assert images_of(tables) == {"a": PNG, "b": "", "c": "", "d": JPEG}


def test_tables_that_extend_others_take_their_pictures_along(tmp_path: Path) -> None:
    shop = parquet_shop(tmp_path / "shop")
    prepare("files", shop, out=tmp_path / "tables", now=1e9)
    (shop / "items.parquet").unlink()
    (shop / "events.csv").write_text("type,visitor_id,time,item_id\nview,v,9e8,a\n")
    # In place: the folder that is read is the one that is replaced.
    prepare("files", shop, out=tmp_path / "tables", base=tmp_path / "tables", now=1e9)
    assert images_of(tmp_path / "tables")["d"] == JPEG


def test_items_alone_are_read_with_their_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shop = parquet_shop(tmp_path / "shop", "photo")
    (tmp_path / "map.toml").write_text('[items]\nimage = "photo"\n')
    for _ in range(2):
        items, _ = prepare_items(shop / "items.parquet", now=1e9, map_file=tmp_path / "map.toml")
        pictures = [PICTURES.place_of(item) for item in iter_items(items)]
        assert [one and PICTURES.content(one) for one in pictures] == [PNG, None, None, JPEG]


def test_the_pictures_of_earlier_versions_of_a_file_leave_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path, other = (parquet_shop(tmp_path / name) / "items.parquet" for name in ("shop", "other"))
    prepare_items(other, now=1e9)
    for time in (1_000, 2_000, 3_000):
        os.utime(path, (time, time))
        items, _ = prepare_items(path, now=1e9)
    assert len(list((tmp_path / "cache").rglob("pictures.bin"))) == 2
    last = PICTURES.place([item.image for item in iter_items(items)][-1])
    assert last is not None and PICTURES.content(last) == JPEG


def test_a_place_of_very_many_digits_names_no_picture(tmp_path: Path) -> None:
    assert PICTURES.place(f"pictures.bin#{'9' * 5_000}+1") is None
    stored = PICTURES.place(f"{tmp_path}/pictures.bin#1+{'9' * 5_000}")
    with pytest.raises(InputError, match="image: expected a readable file"):
        PICTURES.content(stored or tmp_path)


def test_a_stored_picture_is_bounded_and_its_file_must_be_there(tmp_path: Path) -> None:
    stored = PICTURES.place(f"{tmp_path}/pictures.bin#3+9")
    assert stored == StoredContent(tmp_path / "pictures.bin", 3, 9)
    with pytest.raises(InputError, match="image: expected a readable file, received: No such file"):
        PICTURES.content(stored)
    with pytest.raises(
        InputError, match="image: expected at most 4,194,304 bytes, received 4,194,305"
    ):
        PICTURES.content(StoredContent(tmp_path, 0, 4 * 1024 * 1024 + 1))


def test_sounds_are_named_beside_pictures_and_their_faults_are_counted(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "a.flac").write_bytes(FLAC)
    (shop / "text.wav").write_bytes(b"no sound at all")
    with (shop / "long.wav").open("wb") as file:
        file.write(b"RIFF....WAVE")
        file.truncate(4 * 2**30 + 1)
    (shop / "items.csv").write_text(
        "item_id,image,audio\na,,a.flac\nb,a.flac,text.wav\nc,,long.wav\nd,,none.wav\ne,,http://f/g\n"
    )
    report = prepare("files", shop, out=tmp_path / "tables", now=1e9)
    assert report["notes"] == [
        "items.csv, image: 1 items name a picture; not usable: 1 no JPEG, PNG or WebP picture",
        "items.csv, audio: 5 items name a sound; not usable: 1 an address, which is not read, "
        "1 no WAV, FLAC, OGG, MP3 or AIFF sound, 1 no such file, 1 over 4,096 MiB",
    ]
    items = list(iter_items(read_tables(tmp_path / "tables").items))
    assert SOUNDS.place_of(items[0]) == shop / "a.flac" and items[3].audio == "none.wav"


def test_sounds_and_pictures_in_columns_of_bytes_are_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shop = tmp_path / "shop"
    shop.mkdir()
    rows = {
        "item_id": ["a", "b", "c"],
        "image": pa.array([PNG, None, JPEG], pa.binary()),
        "audio": pa.array([FLAC, MP3, b"a text"], pa.binary()),
    }
    pq.write_table(pa.table(rows), shop / "items.parquet")
    prepare("files", shop, out=tmp_path / "tables", now=1e9)
    alone, _ = prepare_items(shop / "items.parquet", now=1e9)
    (shop / "items.parquet").unlink()
    (shop / "events.csv").write_text("type,visitor_id,time,item_id\nview,v,9e8,a\n")
    prepare("files", shop, out=tmp_path / "next", base=tmp_path / "tables", now=1e9)
    for table in (alone, read_tables(tmp_path / "next").items):
        for medium, expected in ((PICTURES, [PNG, None, JPEG]), (SOUNDS, [FLAC, MP3, None])):
            places = [medium.place_of(item) for item in iter_items(table)]
            assert [place and medium.content(place) for place in places] == expected


def test_tables_made_before_items_had_sounds_are_read(tmp_path: Path) -> None:
    shop = parquet_shop(tmp_path / "shop")
    prepare("files", shop, out=tmp_path / "tables", now=1e9)
    path = tmp_path / "tables" / "items.parquet"
    pq.write_table(pq.read_table(path).drop_columns("audio"), path)
    assert [item.audio for item in iter_items(read_tables(tmp_path / "tables").items)] == [""] * 4


@pytest.mark.parametrize(
    ("head", "is_sound"),
    [
        (b"RIFF\0\0\0\0WAVE", True),
        (b"RIFF\0\0\0\0WEBP", False),
        (b"FORM\0\0\0\0AIFF", True),
        (b"OggS", True),
        (b"ID3\x04", True),
        (b"\xff\xf3\x40", True),
        (JPEG, False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_sounds_are_told_by_their_first_bytes(head: bytes, is_sound: bool) -> None:
    assert looks_like_sound(head) == is_sound
