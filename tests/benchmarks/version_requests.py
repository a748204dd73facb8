"""Answers one request at a time in process, with the servicers of the version on ``PYTHONPATH``.

From the bytes of a request message to the bytes of the answer, so that parsing and writing messages
count and the network does not. Reads one JSON line of calls by kind from standard input, and writes
one JSON line of times, until the input ends. Argument: the bundle.
"""

from __future__ import annotations

import json
import os
import sys
import time
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from version_modules import first_module


class _Handlers:
    """Takes the place of a gRPC server when servicers are added: keeps the handlers by path."""

    def __init__(self) -> None:
        self.by_path: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """The same handlers come by name as well."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        for name, handler in handlers.items():
            self.by_path[f"/{service}/{name}"] = handler


class _Context:
    """The context of a call that waits for ever and must not fail."""

    def __init__(self) -> None:
        self.finished: SimpleQueue[Any] = SimpleQueue()

    def finish(self, response: Any) -> None:
        """Takes the response of a handler that has none when it returns."""
        self.finished.put(response)

    def time_remaining(self) -> float | None:
        return None

    def is_active(self) -> bool:
        return True

    def raise_if_abandoned(self) -> None:
        """Never is."""

    def abort(self, code: Any, details: str) -> None:
        raise RuntimeError(f"call: expected an answer, received {code}: {details}")

    def set_trailing_metadata(self, metadata: Any) -> None:
        """Comes before ``abort``."""


def main(bundle: str) -> None:
    """Serves standard input."""
    # As a server does: else NumPy's products of a filter's items count twice as CPU time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from serving.engine import Engine

    servicers = first_module("serving.edge.servicers", "serving.service")
    engine = Engine.open(Path(bundle))
    handlers, context = _Handlers(), _Context()
    servicers.add_servicers(engine, handlers)
    answers = {}
    for path, handler in handlers.by_path.items():
        read = handler.request_deserializer or bytes
        write = handler.response_serializer or bytes

        def answer(
            message: bytes, handler: Any = handler, read: Any = read, write: Any = write
        ) -> bytes:
            response = handler.unary_unary(read(message), context) or context.finished.get()
            # Later versions write the bytes of an answer themselves.
            return response if isinstance(response, bytes) else write(response)

        answers[path] = answer
    for line in sys.stdin:
        times: dict[str, dict[str, list[float]]] = {}
        for kind, calls in json.loads(line).items():
            wall, cpu = [], []
            for path, message in calls:
                content = b64decode(message)
                wall_start, cpu_start = time.perf_counter(), time.process_time()
                answers[path](content)
                wall.append(time.perf_counter() - wall_start)
                cpu.append(time.process_time() - cpu_start)
            times[kind] = {"wall": wall, "cpu": cpu}
        print(json.dumps(times), flush=True)  # noqa: T201
    engine.close()


if __name__ == "__main__":
    main(sys.argv[1])
