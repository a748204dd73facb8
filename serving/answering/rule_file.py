"""The rules file of a running server, reloaded when it changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from data.errors import ConfigError
from serving.answering.rules import Rules, read_rules

logger = logging.getLogger(__name__)

_CHECK_SECONDS = 1.0


class RuleFile:
    """The last valid rules of a file; without a file there are none.

    If the file becomes invalid or is deleted, the earlier rules stay in force, and the reason is
    logged and told by ``error``. So is what the rules need and the bundle in use lacks, once
    ``check_against`` has been called: that part of them does nothing.

    Raises:
        ConfigError: The file is not valid at the start.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rules = Rules() if path is None else read_rules(path)
        self._seen_fingerprint = self._fingerprint()
        self._checked_time = float("-inf")
        self._lock = threading.Lock()
        self._file_error = ""
        self._bundle_fault: Callable[[Rules], str] = lambda rules: ""

    @property
    def error(self) -> str:
        """What is wrong with the file or, as of now, with its rules; empty for nothing."""
        return self._file_error or self._bundle_fault(self._rules)

    def check_against(self, bundle_fault: Callable[[Rules], str]) -> None:
        """Logs, now and whenever the file is read, what ``bundle_fault`` finds in the rules."""
        self._bundle_fault = bundle_fault
        self._log_fault()

    def current(self, now: float) -> Rules:
        """The rules in force; the file is checked at most once a second.

        Args:
            now: Seconds since 1970.
        """
        if self._path is None or 0 <= now - self._checked_time < _CHECK_SECONDS:
            return self._rules
        with self._lock:
            self._checked_time = now
            fingerprint = self._fingerprint()
            if fingerprint != self._seen_fingerprint:
                self._seen_fingerprint = fingerprint
                self._read(self._path)
        return self._rules

    def _read(self, path: Path) -> None:
        try:
            self._rules = read_rules(path)
        except ConfigError as error:
            self._file_error = str(error)
            logger.warning("rules stay at version %r: %s", self._rules.version, error)
        else:
            self._file_error = ""
            logger.warning("rules of version %r are in force", self._rules.version)
            self._log_fault()

    def _log_fault(self) -> None:
        if fault := self._bundle_fault(self._rules):
            logger.warning("rules of version %r: %s", self._rules.version, fault)

    def _fingerprint(self) -> tuple[int, int, int] | None:
        """Modification time, size and inode, to detect changes; None without a file."""
        try:
            stat = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return None if stat is None else (stat.st_mtime_ns, stat.st_size, stat.st_ino)
