"""Event types keep their numbers and names; the newcomer's map of the package is true."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import EVENT_TYPE_BY_LABEL, RECORDABLE_TYPES, EventType, as_datetime

PACKAGE = Path(__file__).resolve().parents[2] / "data"


def test_the_numbers_of_event_types_are_those_of_the_protos() -> None:
    text = (PACKAGE.parent / "protos" / "events.proto").read_text(encoding="utf-8")
    block = re.search(r"enum EventType \{(.*?)\n\s*\}", text, re.DOTALL)
    assert block is not None
    in_protos = dict(re.findall(r"^\s*(?:EVENT_TYPE_)?([A-Z_]+) = (\d+);", block[1], re.MULTILINE))
    ours = {type_.name: str(type_.value) for type_ in EventType}
    assert {name: ours[name] for name in in_protos} == in_protos
    assert set(ours) - set(in_protos) <= {"IMPRESSION"}


def test_labels_are_those_of_the_contract() -> None:
    contract = ["search", "view", "favorite", "unfavorite", "add_to_cart"]
    contract += ["remove_from_cart", "purchase", "review", "return"]
    assert list(EVENT_TYPE_BY_LABEL) == contract
    assert [type_.label for type_ in RECORDABLE_TYPES] == contract
    assert EVENT_TYPE_BY_LABEL["add_to_cart"] is EventType.ADD_TO_CART


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (0.0, datetime(1970, 1, 1, tzinfo=UTC)),
        (951_782_400.25, datetime(2000, 2, 29, microsecond=250_000, tzinfo=UTC)),
    ],
)
def test_seconds_are_utc(seconds: float, moment: datetime) -> None:
    assert as_datetime(seconds) == moment
    assert as_datetime(seconds).tzinfo is UTC


@pytest.mark.parametrize("package", ["data", "data.sources"])
def test_a_file_imports_only_files_above_it_in_the_list(package: str) -> None:
    folder = PACKAGE.parent / package.replace(".", "/")
    doc = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    listed = re.findall(r"^(\w+)/?\s{2,}", doc, re.MULTILINE)
    files = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert sorted(listed) == sorted(files - {"__init__", "__pycache__"})
    for position, name in enumerate(listed):
        path = folder / f"{name}.py"
        if path.is_file():
            later = {f"{package}.{other}" for other in listed[position:]}
            assert later.isdisjoint(_imports(path)), path.name


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
