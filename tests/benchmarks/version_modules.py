"""Modules of the version that comes first on ``PYTHONPATH``, under the names that it gave them."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any


def first_module(*names: str) -> Any:
    """The first of the modules ``names`` that the version has.

    Looks for the file: the import system would go on to the installed version for a module that
    this one does not have.

    Raises:
        ModuleNotFoundError: It has none of them.
    """
    folder = Path(os.environ["PYTHONPATH"].partition(os.pathsep)[0])
    for name in names:
        if (folder / name.replace(".", "/")).with_suffix(".py").exists():
            return importlib.import_module(name)
    raise ModuleNotFoundError(f"{folder}: expected one of {', '.join(names)}, found none")
