"""The arrows between packages run one way, and so do those between the files of each."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
TOPS = ("data", "towers", "serving", "protos")
LISTED = re.compile(r"^ *(\w+)(?:\.py|(/))?  +\S", re.MULTILINE)
GENERATED = ("_pb2.py", "_pb2_grpc.py")

MAY_IMPORT = {
    "data": {"data"},
    "towers": {"towers", "data"},
    "serving": {"serving", "towers", "data", "protos"},
    "protos": {"protos"},
}

TENSORFLOW = {"tensorflow", "tf_keras", "keras", "tensorflow_recommenders"}
TENSORFLOW_ROOMS = ("towers/models/", "towers/training/")
GRPC_ROOMS = ("serving/edge/", "serving/load/")
OWNERS = {
    "scann": {"towers/indexes/vector_search.py"},
    "ai_edge_litert": {"towers/ranking/litert_models.py"},
    "tantivy": {
        "towers/indexes/inverted/stem_queries.py",
        "towers/indexes/inverted/tantivy_index.py",
    },
    "numba": {"towers/compiled.py"},
    "faster_whisper": {"towers/speech/speech_model.py"},
    "soundfile": {"towers/audio/waveform.py"},
    "sqlite3": {
        "data/sources/own_log.py",
        "data/sources/live_items.py",
        "data/sources/live_offers.py",
        "serving/state/event_log.py",
        "serving/state/item_log.py",
        "serving/state/offer_log.py",
    },
}
"""Heavy libraries, and the only files that import them; a store has a writer and a reader, an
index its queries."""

LINE_LIMIT = 350
FILE_LIMIT = 14
LIKE_THINGS = ("data/sources", "serving/cli/commands", "towers/retrieval/sources")
"""Folders that hold a list of like things, and so may hold more files."""


def rooms() -> list[str]:
    """Every folder of the project's own code that holds files, from the top down."""
    return sorted(
        folder.relative_to(ROOT).as_posix()
        for top_folder in TOPS
        if top_folder != "protos"
        for folder in ((ROOT / top_folder), *(ROOT / top_folder).rglob("*"))
        if folder.is_dir() and any(folder.glob("*.py"))
    )


class Import(NamedTuple):
    """One imported module: its dotted name, and whether it is imported with the file itself."""

    name: str
    is_at_once: bool


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """Everything that a file imports, in functions too; not what only a type checker reads."""
    return tuple(_imports(ast.parse(path.read_text(encoding="utf-8")), is_at_once=True))


def _imports(node: ast.AST, is_at_once: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, is_at_once) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level and child.module, "relative imports hide the arrow"
            yield Import(child.module, is_at_once)
            # `from package import file` imports the file.
            yield from (Import(f"{child.module}.{a.name}", is_at_once) for a in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            yield from (found for part in child.orelse for found in _imports(part, is_at_once))
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, is_at_once and not is_function)


def top(name: str) -> str:
    return name.partition(".")[0]


@cache
def docstring(package: str) -> str:
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    return ast.get_docstring(tree, clean=True) or ""


def listed(package: str) -> list[str]:
    """Files and folders that the package's docstring lists, in its order; folders end in ``/``."""
    return [name + folder for name, folder in LISTED.findall(docstring(package))]


def files(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).glob("*.py") if path.name != "__init__.py")


def own_files(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("package", rooms())
def test_a_room_lists_each_of_its_files_and_rooms_once(package: str) -> None:
    names = listed(package)
    assert len(names) == len(set(names))
    there = {path.stem for path in files(package)}
    there |= {
        f"{room.rpartition('/')[2]}/" for room in rooms() if room.rpartition("/")[0] == package
    }
    assert set(names) == there


@pytest.mark.parametrize("package", rooms())
def test_a_file_imports_only_what_stands_above_it(package: str) -> None:
    """Files above it in its room; of every folder that its room stands in, rooms and files above."""
    for path in files(package):
        inner = path.stem
        folder = package
        while folder:
            order = {name.rstrip("/"): position for position, name in enumerate(listed(folder))}
            dotted = folder.replace("/", ".")
            for name, _ in imports(path):
                found = re.match(rf"{re.escape(dotted)}\.(\w+)", name)
                if found and found[1] in order and found[1] != inner:
                    assert order[found[1]] < order[inner], f"{path} imports {name}"
            folder, _, inner = folder.rpartition("/")


def test_no_file_and_no_room_is_too_large_to_hold_one_thing() -> None:
    for path in own_files(*TOPS):
        if not path.name.endswith(GENERATED):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= LINE_LIMIT, f"{path}: {lines} lines"
    for room in rooms():
        assert len(files(room)) <= FILE_LIMIT or room in LIKE_THINGS, room


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_the_arrows_between_packages_run_one_way(package: str) -> None:
    for path in own_files(package):
        ours = {top(name) for name, _ in imports(path)} & {*MAY_IMPORT, "tests"}
        assert ours <= MAY_IMPORT[package], path


def test_tensorflow_stays_in_the_rooms_that_train() -> None:
    for path in own_files(*TOPS):
        if TENSORFLOW & {top(name) for name, _ in imports(path)}:
            assert path.relative_to(ROOT).as_posix().startswith(TENSORFLOW_ROOMS), path


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_heavy_library_has_one_owner(library: str) -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in own_files(*TOPS)
        if library in {top(name) for name, _ in imports(path)}
    }
    assert importers == OWNERS[library]


def test_grpc_stays_at_the_edge_of_serving() -> None:
    grpc = {"grpc", "grpc_health", "grpc_reflection"}
    for path in own_files("data", "towers", "serving"):
        if any(top(name) in grpc and at_once for name, at_once in imports(path)):
            assert path.relative_to(ROOT).as_posix().startswith(GRPC_ROOMS), path


def test_grpcs_private_layer_has_one_user() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in own_files("data", "towers", "serving")
        if any(name.startswith("grpc._") for name, _ in imports(path))
    }
    assert users == {"serving/edge/unary_calls.py"}


def test_tables_are_read_with_pyarrow_in_data_alone() -> None:
    for path in own_files("towers", "serving", "protos"):
        assert not any(top(name) == "pyarrow" and at_once for name, at_once in imports(path)), path


def test_a_server_starts_without_tensorflow_and_without_tables() -> None:
    script = (
        "import sys\n"
        "import serving.edge.server, serving.engine, serving.cli.main\n"
        "heavy = {'tensorflow', 'tf_keras', 'keras', 'pyarrow', 'duckdb', 'matplotlib'}\n"
        # Of search by voice, before the first recording.
        "heavy |= {'faster_whisper', 'ctranslate2', 'av', 'soundfile', 'soxr', 'jellyfish'}\n"
        # Where SciPy is installed, Numba takes its products of matrices.
        "heavy |= {'scipy.sparse', 'scipy.stats'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("package", TOPS)
def test_a_module_says_in_its_first_line_what_it_is_for(package: str) -> None:
    for path in own_files(package):
        if path.name.endswith(GENERATED):
            continue
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        first = text.partition("\n")[0]
        assert len(first) > 10 and (first[0] == first[0].upper()), path
