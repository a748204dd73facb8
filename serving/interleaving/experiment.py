"""What is compared, and for which share of the visitors; kept in the state folder over restarts."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from data.atomic import atomic_file
from data.errors import InputError, OverloadError

logger = logging.getLogger(__name__)

FILE_NAME = "interleaving.json"
STOPPED = "stopped by an operator"


@dataclass(frozen=True, slots=True)
class Experiment:
    """A comparison of two bundles.

    Args:
        active_id: The bundle that was active when it began.
        bundle_id, bundle_path: The other bundle.
        share: Of the visitors whose answers are interleaved, above 0 to 1.
        start_time: Seconds since 1970; answers from then on count.
        after_sequence: A sequence number of the log before all of these answers.
        end_reason: Why it ended; empty while it runs.
    """

    active_id: str
    bundle_id: str
    bundle_path: str
    share: float
    start_time: float
    after_sequence: int
    end_reason: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return not self.end_reason

    def has_visitor(self, visitor_id: str, token: str) -> bool:
        """Whether a visitor's answers are interleaved; of an anonymous one, this answer.

        By a hash of visitor and experiment, so that a visitor stays in or out while it runs, after a
        restart too, and another experiment has other visitors.
        """
        return _share_of(self._seed(visitor_id or token)) < self.share

    def seed(self, token: str) -> str:
        """The seed of the draft of one answer: who has the log can draw it again."""
        return self._seed(token)

    def _seed(self, name: str) -> str:
        return f"{self.bundle_id} {self.start_time!r} {name}"


def _share_of(text: str) -> float:
    """A number from 0 to below 1 by a hash of a text."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64


def read_experiment(folder: Path) -> Experiment | None:
    """The experiment of a state folder; None if it never had one.

    Raises:
        InputError: The file cannot be read.
    """
    path = folder / FILE_NAME
    try:
        return Experiment(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: expected the comparison that `nextclick interleave` wrote, received: {error};"
            " delete the file to go on without it"
        ) from error


def write_experiment(folder: Path, experiment: Experiment) -> None:
    """Keeps an experiment in a state folder, in place of an earlier one.

    Raises:
        OverloadError: The disk is full or failing; the earlier one stays.
    """
    try:
        with atomic_file(folder / FILE_NAME) as path:
            path.write_text(json.dumps(asdict(experiment), indent=1) + "\n", encoding="utf-8")
    except (OSError, InputError) as error:
        raise OverloadError(f"{FILE_NAME}: expected to be written, received: {error}") from error


def forget_experiment(folder: Path) -> None:
    """Removes the experiment of a state folder, as far as the disk lets it."""
    try:
        (folder / FILE_NAME).unlink(missing_ok=True)
    except OSError:
        logger.exception("interleaving: the comparison could not be removed")
