"""The engine behind a gate, for tests that need a fault, a slow answer, or what was asked of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from data.records import Event
from serving.api.answers import Answer
from serving.api.reports import RecordReport, Status
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

    def record(self, events: Sequence[Event]) -> RecordReport:
        self._pass(events)
        return super().record(events)

    def status(self) -> Status:
        self._pass(None)
        return super().status()

    def _pass(self, asked: SearchRequest | RecommendRequest | Sequence[Event] | None) -> None:
        self.seen.append(asked)
        if self.fault is not None:
            raise self.fault
        self.gate.wait(timeout=10)

    def _kept(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer
