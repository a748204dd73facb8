"""Loops compiled to machine code by Numba, and where the machine code is kept between processes.

Compiled functions release the GIL, so that requests run beside each other. They are compiled with the
types given, when their module is imported, and loaded from the cache from then on: never in a request.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
from numba import types

from towers.uncollected import uncollected

logger = logging.getLogger(__name__)

_KEPT_COUNT = 8
_ROOT = Path(__file__).parents[1]
_PACKAGES = ("towers", "serving")
_CONSTANTS = re.compile(
    r"^from ((?:towers|serving|data)[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE
)
_CONSTANT = re.compile(r"\b_?[A-Z][A-Z0-9_]+\b")


def sources_hash(root: Path) -> str:
    """Of every file that may hold compiled code, and of the compiler's version.

    Constants are part of machine code, so the files that those of a compiled file come from count too.
    Numba itself notices only a change of the file of the outermost function.

    Args:
        root: Folder of the packages.
    """
    found = hashlib.blake2b(f"{numba.__version__} {np.__version__}".encode(), digest_size=10)
    every = (path for package in _PACKAGES for path in (root / package).rglob("*.py"))
    waiting = [path for path in sorted(every) if b"compiled" in path.read_bytes()]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        content = path.read_bytes()
        found.update(path.relative_to(root).as_posix().encode() + content)
        for module, names in _CONSTANTS.findall(content.decode()):
            source = root / f"{module.replace('.', '/')}.py"
            if source not in seen and source.is_file() and _CONSTANT.search(names):
                seen.add(source)
                waiting.append(source)
    return found.hexdigest()


def cache_folder(home: Path, version: str) -> Path:
    """Where machine code is kept: a folder of its own for every version of the code.

    In the user's cache folder, where those of the newest versions stay; in the folder for temporary
    files where that cannot be written.

    Args:
        home: The user's cache folder.
        version: Hash of the code.
    """
    room = home / "nextclick" / "compiled"
    folder = room / version
    try:
        if not folder.is_dir():
            logger.warning("compiling the loops of this version, once: about 20 seconds")
            folder.mkdir(parents=True)
            for old in sorted(room.iterdir(), key=lambda one: -one.stat().st_mtime)[_KEPT_COUNT:]:
                shutil.rmtree(old, ignore_errors=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="nextclick-compiled-"))


CACHE_FOLDER = cache_folder(
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"), sources_hash(_ROOT)
)
numba.config.CACHE_DIR = str(CACHE_FOLDER)  # type: ignore[attr-defined]

Function = Any
"""A compiled function; it may be called from Python and from other compiled functions."""

NONE, F32, F64, I32, I64, U8, BOOL = (
    types.void,
    types.float32,
    types.float64,
    types.int32,
    types.int64,
    types.uint8,
    types.boolean,
)


def read(kind: Any, dimensions: int = 1) -> Any:
    """Type of an array that is only read; writable ones are accepted too."""
    return types.Array(kind, dimensions, "C", readonly=True)


def written(kind: Any, dimensions: int = 1) -> Any:
    """Type of an array that is written."""
    return types.Array(kind, dimensions, "C")


def records(layout: np.dtype[Any]) -> Any:
    """Type of an array of records that is written; ``layout`` must be aligned."""
    return types.Array(numba.from_dtype(layout), 1, "C")


def several(*kinds: Any) -> Any:
    """Type of several results."""
    return types.Tuple(kinds)


_njit: Any = numba.njit
"""Numba's stated types leave some of its options out."""
_NO_C_ENTRIES = {"no_cfunc_wrapper": True}
"""Nobody calls loops from C. From Python one may call helpers too: without that entry, it would crash."""


def _entry(signature: Any, function: Callable[..., Any]) -> Function:
    with uncollected():
        return _njit(signature, cache=True, nogil=True, **_NO_C_ENTRIES)(function)


def compiled(result: Any, *arguments: Any) -> Callable[[Callable[..., Any]], Function]:
    """Decorates a function that Python calls: compiled for these types, cached, without the GIL."""
    return partial(_entry, result(*arguments))


def inlined(function: Callable[..., Any]) -> Function:
    """Decorates a function that compiled ones call, with whatever types they have."""
    return _njit(function, **_NO_C_ENTRIES)


def merged(function: Callable[..., Any]) -> Function:
    """Decorates a part that compiled functions call in one place, or a very short one.

    Its code is put there before anything is compiled, which saves compiling it for itself as well. Where
    several places call, ``inlined`` is cheaper: this compiles the code for each.
    """
    return _njit(function, inline="always", **_NO_C_ENTRIES)


def inlined_sums(function: Callable[..., Any]) -> Function:
    """The same for sums of products, whose order the compiler may choose to use vector registers.

    The order is fixed by the machine code: equal inputs have equal results to the last bit.
    """
    return _njit(function, fastmath={"reassoc", "contract", "nsz"}, **_NO_C_ENTRIES)


_LINE_NUMBERS = 16
"""Numbers of four bytes in a line of the CPU cache."""


@inlined
def fetched(table: np.ndarray, rows: np.ndarray) -> Any:
    """Brings rows of a table of four-byte integers into the CPU cache; the sum of what it read.

    Many lines are on their way at once here, while a loop that branches on what it reads waits for one
    after the other: a wrong guess of a branch discards what was begun behind it. The caller must use the
    sum, or the compiler leaves the loop out.
    """
    total = np.int64(0)
    for row in rows:
        for place in range(0, table.shape[1], _LINE_NUMBERS):
            total += table[row, place]
    return total


def generated(name: str, text: str, names: dict[str, Any], signature: Any) -> Function:
    """Compiles a function from generated source, which is kept beside its machine code.

    Args:
        name: Of the function and of the file.
        text: Its source.
        names: Compiled functions that it calls.
    """
    path = CACHE_FOLDER / f"{name}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        # In one step: several processes may start at once.
        with tempfile.NamedTemporaryFile("w", dir=CACHE_FOLDER, delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
    # A module of its own, which the cache refers to by name.
    module = ModuleType(f"{__name__}.{name}")
    module.__dict__.update(names)
    sys.modules[module.__name__] = module
    exec(compile(text, str(path), "exec"), module.__dict__)
    return _entry(signature, module.__dict__[name])
