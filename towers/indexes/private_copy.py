"""A private copy of an index folder: tantivy writes lock files even for reading."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def new_folder() -> Path:
    """A new empty temporary folder; the caller removes it."""
    return Path(tempfile.mkdtemp(prefix="nextclick-lexical-"))


def link_files(source: Path, target: Path) -> None:
    """Hard-links the files of an index into another folder, or copies them where links fail.

    Committed segments are immutable, so both folders can share them; lock files are left out.
    """
    for path in source.iterdir():
        if path.suffix != ".lock":
            _link_or_copy(path, target / path.name)


def _link_or_copy(source: Path, target: Path) -> None:
    # Files that tantivy rewrites in place (JSON) must not be shared.
    if source.suffix != ".json":
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copyfile(source, target)
