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
PACKAGES = ("data", "data/sources", "towers", "serving", "serving/commands")
LISTED = re.compile(r"^ *([a-z_]+)(?:\.py|(/))?  +\S", re.MULTILINE)

MAY_IMPORT = {
    "data": {"data"},
    "towers": {"towers", "data"},
    "serving": {"serving", "towers", "data", "protos"},
    "protos": {"protos"},
}

TENSORFLOW = {"tensorflow", "tf_keras", "keras", "tensorflow_recommenders"}
TRAINING_HALF = "What training needs besides"
GRPC_EDGE = {"client", "freshness", "limiter", "loadtest", "server", "service", "statuses"}


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


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_lists_each_of_its_files_once(package: str) -> None:
    names = listed(package)
    assert len(names) == len(set(names))
    missing = {path.stem for path in files(package)} - set(names)
    assert not missing, f"{package}/__init__.py does not list {sorted(missing)}"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_file_imports_only_files_above_it_in_its_package(package: str) -> None:
    dotted = package.replace("/", ".")
    order = {name.rstrip("/"): place for place, name in enumerate(listed(package))}
    upwards = []
    for path in files(package):
        for name, _ in imports(path):
            inside = re.match(rf"{re.escape(dotted)}\.(\w+)", name)
            if inside and inside[1] in order and order[inside[1]] >= order.get(path.stem, -1):
                upwards.append(f"{path.stem} imports {inside[1]}")
    assert not upwards


@pytest.mark.parametrize(("package", "folder"), [("data", "sources"), ("serving", "commands")])
def test_a_folder_imports_only_files_above_it_in_its_package(package: str, folder: str) -> None:
    above = listed(package)[: listed(package).index(f"{folder}/")]
    for path in files(f"{package}/{folder}"):
        for name, _ in imports(path):
            inside = re.match(rf"{package}\.(\w+)", name)
            assert inside is None or inside[1] == folder or inside[1] in above, (
                f"{folder}/{path.name} imports {name}"
            )


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_the_arrows_between_packages_run_one_way(package: str) -> None:
    for path in own_files(package):
        ours = {top(name) for name, _ in imports(path)} & {*MAY_IMPORT, "tests"}
        assert ours <= MAY_IMPORT[package], path


def test_tensorflow_stays_in_the_training_half_of_towers() -> None:
    before, after = docstring("towers").split(TRAINING_HALF)
    serving_half, training_half = (set(LISTED.findall(part)) for part in (before, after))
    assert serving_half and training_half
    allowed = {name for name, _ in training_half}
    for path in own_files("data", "towers", "serving", "protos"):
        if TENSORFLOW & {top(name) for name, _ in imports(path)}:
            assert path.parent.name == "towers" and path.stem in allowed, path


def test_the_serving_half_of_towers_imports_nothing_of_the_training_half() -> None:
    before, after = docstring("towers").split(TRAINING_HALF)
    training_half = {f"towers.{name}" for name, _ in LISTED.findall(after)}
    for name, _ in LISTED.findall(before):
        found = {imported for imported, _ in imports(ROOT / "towers" / f"{name}.py")}
        assert not found & training_half, name


def test_scann_has_one_owner() -> None:
    owners = {
        path.relative_to(ROOT).as_posix()
        for path in own_files("data", "towers", "serving", "protos")
        if "scann" in {top(name) for name, _ in imports(path)}
    }
    assert owners == {"towers/index.py"}


def test_grpc_stays_at_the_edge_of_serving() -> None:
    grpc = {"grpc", "grpc_health", "grpc_reflection"}
    for path in own_files("data", "towers", "serving"):
        if any(top(name) in grpc and at_once for name, at_once in imports(path)):
            assert path.parent.name == "serving" and path.stem in GRPC_EDGE, path


def test_tables_are_read_with_pyarrow_in_data_alone() -> None:
    for path in own_files("towers", "serving", "protos"):
        assert not any(top(name) == "pyarrow" and at_once for name, at_once in imports(path)), path


def test_a_server_starts_without_tensorflow_and_without_tables() -> None:
    script = (
        "import sys\n"
        "import serving.server, serving.engine, serving.cli\n"
        "heavy = {'tensorflow', 'tf_keras', 'keras', 'pyarrow', 'duckdb', 'scipy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("package", ["data", "towers", "serving", "protos"])
def test_a_module_says_in_its_first_line_what_it_is_for(package: str) -> None:
    for path in own_files(package):
        if path.stem.endswith(("_pb2", "_pb2_grpc")):
            continue
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        first = text.partition("\n")[0]
        assert len(first) > 10 and first[0] == first[0].upper(), path
