"""A call of a load test, and the interface of whatever makes calls."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

KINDS = ("search", "recommend", "record")


class Call(NamedTuple):
    """One call.

    Args:
        kind: One of ``KINDS``: the method.
        message: The request.
        on_response: Takes the response, or None if the call failed; None: nobody waits for it.
    """

    kind: str
    message: Any
    on_response: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Share:
    """The share of one client process: its index, from 0, and the number of processes."""

    index: int = 0
    count: int = 1


class CallSource(Protocol):
    """Makes the calls of a load test. It is sent to client processes, so it must be picklable."""

    def calls(self, rng: random.Random, share: Share) -> Iterator[Call]:
        """An endless iterator of the calls of one client process.

        Raises:
            ConfigError: There is nothing to make calls of.
        """


WHOLE = Share()
