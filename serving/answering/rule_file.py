"""The rules file of a running server: read again when it has changed."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from data.errors import ConfigError
from serving.answering.rules import Rules, read_rules

logger = logging.getLogger(__name__)

_CHECK_SECONDS = 1.0


class RuleFile:
    """The newest good rules of a file; without a file there are none.

    A file that is changed for the worse, or taken away, leaves the earlier rules in force: ``error``
    says why, and so does the log.

    Raises:
        ConfigError: The file is bad from the start.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rules = Rules() if path is None else read_rules(path)
        self._seen = self._state()
        self._checked_time = float("-inf")
        self._lock = threading.Lock()
        self.error = ""

    def current(self, now: float) -> Rules:
        """The rules in force; the file is looked at once a second at most.

        Args:
            now: Seconds since 1970.
        """
        if self._path is None or 0 <= now - self._checked_time < _CHECK_SECONDS:
            return self._rules
        with self._lock:
            self._checked_time = now
            state = self._state()
            if state != self._seen:
                self._seen = state
                self._read(self._path)
        return self._rules

    def _read(self, path: Path) -> None:
        try:
            self._rules = read_rules(path)
        except ConfigError as error:
            self.error = str(error)
            logger.warning("rules stay at version %r: %s", self._rules.version, error)
        else:
            self.error = ""
            logger.warning("rules of version %r are in force", self._rules.version)

    def _state(self) -> tuple[int, int, int] | None:
        """Changes when the file does; None where there is none."""
        try:
            facts = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return None if facts is None else (facts.st_mtime_ns, facts.st_size, facts.st_ino)
