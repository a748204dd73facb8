"""A folder of an index's own: a lexical index writes into its folder even when it only reads."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def new_folder() -> Path:
    """A new empty folder for temporary files; who asks for it removes it."""
    return Path(tempfile.mkdtemp(prefix="nextclick-lexical-"))


def link_files(source: Path, target: Path) -> None:
    """The files of an index in another folder too, by links where the file system allows.

    Finished segments do not change, so both folders may share them; locks stay behind.
    """
    for path in source.iterdir():
        if path.suffix != ".lock":
            _link_or_copy(path, target / path.name)


def _link_or_copy(source: Path, target: Path) -> None:
    # What is rewritten in place must not be shared: only the segments' own files are final.
    if source.suffix != ".json":
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copyfile(source, target)
