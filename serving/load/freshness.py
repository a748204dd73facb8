"""Freshness under load: how soon after an event's ack an answer reflects the event.

Each probe is a new visitor who views one item and, once that is acknowledged, requests the home
page. The answer reports how many events of the session it used: one, or the answer is stale. Open
loop, so that a slow server does not reduce the load.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import numpy as np

from data.errors import ConfigError
from data.records import Event, EventType
from protos import discovery_pb2_grpc, events_pb2, events_pb2_grpc
from serving.api.proto_codec import write_event, write_recommend
from serving.api.requests import Placement, RecommendRequest
from serving.load.load_test import LoadSettings, check_load, connections, send_when_due

_WARM_UP_SECONDS = 1.0
_PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}


@dataclass(frozen=True)
class Freshness:
    """Results at one rate. Times in milliseconds by ``p50``, ``p95``, ``p99`` and ``max``.

    Args:
        rate: Events per second, and as many requests.
        probe_count: Acknowledged events whose request was answered.
        fresh_count: Answers among these that reflect the event.
        fresh_ms: From the ack of the event to the answer that reflects it, at the client.
        ack_ms: From the scheduled time of the event to its ack.
        error_counts: By status code.
    """

    rate: float
    probe_count: int
    fresh_count: int
    fresh_ms: dict[str, float]
    ack_ms: dict[str, float]
    error_counts: dict[str, int]


def measure_freshness(
    address: str,
    item_ids: Sequence[str],
    rate: float,
    seconds: float,
    settings: LoadSettings | None = None,
) -> Freshness:
    """Runs ``rate`` probes per second for ``seconds``, after a warm-up of at most a second.

    Raises:
        ConfigError: A setting is out of range, or there are no items to view.
    """
    settings = settings or LoadSettings()
    check_load([rate], seconds)
    if not item_ids:
        raise ConfigError("item_ids: expected 1 or more, received none")
    rng = random.Random(settings.seed)

    async def run() -> Freshness:
        channels = connections(address, settings.connection_count)
        prober = _Prober(channels, item_ids, settings, rng)
        try:
            for duration in (min(seconds, _WARM_UP_SECONDS), seconds):
                prober.reset()
                count = max(1, round(rate * duration))
                due = sorted(rng.uniform(0.0, duration) for _ in range(count))
                await send_when_due(prober.probe, due)
        finally:
            await asyncio.gather(*(channel.close() for channel in channels))
        return prober.report(rate)

    return asyncio.run(run())


class _Prober:
    """Connections to the service, and the measurements of the probes."""

    def __init__(
        self,
        channels: Sequence[Any],
        item_ids: Sequence[str],
        settings: LoadSettings,
        rng: random.Random,
    ) -> None:
        self._item_ids = item_ids
        self._deadline = settings.deadline_seconds
        self._rng = rng
        self._stubs = itertools.cycle(
            [
                (
                    events_pb2_grpc.EventsStub(channel).RecordEvents,
                    discovery_pb2_grpc.DiscoveryStub(channel).RecommendItems,
                )
                for channel in channels
            ]
        )
        self.reset()

    def reset(self) -> None:
        """Resets all measurements."""
        self._acks: list[float] = []
        self._fresh: list[float] = []
        self._probe_count = 0
        self._errors: Counter[str] = Counter()

    async def probe(self, due_time: float) -> None:
        """Records one event and, once it is acknowledged, makes one request of its visitor."""
        record, recommend = next(self._stubs)
        visitor_id = f"probe-{uuid.uuid4().hex}"
        view = Event("", EventType.VIEW, visitor_id, 0.0, self._rng.choice(self._item_ids))
        message = write_event(view)
        # Use the server's clock: the client's may be minutes off.
        message.ClearField("time")
        request = write_recommend(RecommendRequest(Placement.HOME, visitor_id))
        try:
            await record(events_pb2.RecordEventsRequest(events=[message]), timeout=self._deadline)
            acked = time.perf_counter()
            answer = await recommend(request, timeout=self._deadline)
        except grpc.aio.AioRpcError as error:
            self._errors[error.code().name] += 1
            return
        answered = time.perf_counter()
        self._probe_count += 1
        self._acks.append(acked - due_time)
        if answer.session_event_count == 1:
            self._fresh.append(answered - acked)

    def report(self, rate: float) -> Freshness:
        """Measurements of all probes since ``reset``."""
        return Freshness(
            rate,
            self._probe_count,
            len(self._fresh),
            _percentiles(self._fresh),
            _percentiles(self._acks),
            dict(sorted(self._errors.items())),
        )


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    values = np.percentile(np.array(seconds) * 1_000, list(_PERCENTILES.values()))
    return dict(zip(_PERCENTILES, values.tolist(), strict=True))
