"""Retrieval by PostgreSQL: full text and pgvector, in one statement, from asyncio connections.

Reads one JSON line at a time from standard input: ``address`` (a connection string), ``calls`` (words
in the language of ``to_tsquery``, and vector of each search), ``caller_count`` and ``seconds``; answers
as ``load_client`` does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from typing import Any

import psycopg

NEAREST = "SELECT item FROM items ORDER BY embedding <#> %(vector)s::vector LIMIT 100"
RETRIEVAL = f"""
({NEAREST})
UNION ALL
(SELECT item FROM items, to_tsquery('english', %(words)s) AS query
 WHERE words @@ query ORDER BY ts_rank(words, query) DESC LIMIT 100)
"""


async def main() -> None:
    """Serves standard input, over connections that stay open."""
    connections: list[Any] = []
    for line in sys.stdin:
        answer = await _run(connections, **json.loads(line))
        print(json.dumps(answer), flush=True)  # noqa: T201
    for connection in connections:
        await connection.close()


async def _run(
    connections: list[Any],
    address: str,
    calls: list[tuple[str, str]],
    caller_count: int,
    seconds: float,
) -> Any:
    latencies: list[float] = []
    parameters = itertools.cycle([{"words": words, "vector": vector} for words, vector in calls])
    while len(connections) < caller_count:
        connections.append(
            await psycopg.AsyncConnection.connect(address, autocommit=True, prepare_threshold=0)
        )
        await connections[-1].execute("SET hnsw.ef_search = 100")
    start = time.perf_counter()

    async def call_until_the_end(connection: Any) -> None:
        called = time.perf_counter()
        while called < start + seconds:
            cursor = await connection.execute(RETRIEVAL, next(parameters), binary=True)
            await cursor.fetchall()
            latencies.append(time.perf_counter() - called)
            called = time.perf_counter()

    await asyncio.gather(*map(call_until_the_end, connections[:caller_count]))
    elapsed = time.perf_counter() - start
    return {"latencies": latencies, "errors": Counter[str](), "seconds": elapsed}


if __name__ == "__main__":
    asyncio.run(main())
