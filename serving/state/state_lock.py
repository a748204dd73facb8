"""The lock that allows one server per state folder: two would miss each other's updates."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from data.errors import ConfigError

_NAME = "in-use"


class StateLock:
    """A file lock, held from ``__init__`` until ``release`` or until the process ends.

    Args:
        folder: The state folder; it must exist.

    Raises:
        ConfigError: Another server holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            raise ConfigError(
                f"state: expected a folder that no other server uses, received {str(folder)!r}, "
                "which one does; stop it, or give this one a folder of its own"
            ) from error
        except OSError as error:
            os.close(self._file)
            raise ConfigError(
                f"state: expected a folder whose files can be locked, received {str(folder)!r}: "
                f"{error.strerror}"
            ) from error

    def release(self) -> None:
        """Releases the folder for another server."""
        os.close(self._file)
