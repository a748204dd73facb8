"""The engine behind a gate, for tests that need a fault, a slow answer, or what was asked of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from data.errors import OverloadError
from data.records import Event
from serving.api.answers import Answer
from serving.api.reports import Recorded, Status
from serving.api.requests import RecommendRequest, SearchRequest
from serving.engine import Engine


class GatedEngine(Engine):
    """An engine that can be made to fail or to wait before it does what it always does.

    A search, a page, a batch of events and a look at the status are each written to ``seen``, then
    raise ``fault`` where there is one, then wait for ``gate``, which stands open until it is
    cleared. What passes is answered by the engine itself; answers are kept in ``answers``.
    """

    def __init__(self, *parts: Any, **options: Any) -> None:
        self.seen: list[SearchRequest | RecommendRequest | Sequence[Event] | None] = []
        self.answers: list[Answer] = []
        self.fault: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        super().__init__(*parts, **options)

    def search(self, request: SearchRequest, **options: Any) -> Answer:
        self._pass(request)
        return self._kept(super().search(request, **options))

    def recommend(self, request: RecommendRequest, **options: Any) -> Answer:
        self._pass(request)
        return self._kept(super().recommend(request, **options))

    def record_then(self, events: Sequence[Event], done: Recorded) -> None:
        self._note(events)
        if self.gate.is_set():
            super().record_then(events, done)
        else:
            threading.Thread(target=self._record_late, args=(events, done)).start()

    def status(self) -> Status:
        self._pass(None)
        return super().status()

    def _record_late(self, events: Sequence[Event], done: Recorded) -> None:
        """Like a disk that takes its time: who records does not wait."""
        self.gate.wait(timeout=10)
        try:
            super().record_then(events, done)
        except OverloadError as error:
            done(error)

    def _pass(self, asked: SearchRequest | RecommendRequest | None) -> None:
        self._note(asked)
        self.gate.wait(timeout=10)

    def _note(self, asked: SearchRequest | RecommendRequest | Sequence[Event] | None) -> None:
        self.seen.append(asked)
        if self.fault is not None:
            raise self.fault

    def _kept(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer
