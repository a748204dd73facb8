"""What the README prints works as printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from data.records import EventType
from data.synthetic import synthetic_shop
from serving.answering.rules import read_rules
from serving.api.requests import SearchRequest
from serving.cli.demo_story import running_server
from serving.edge.server import serve
from serving.engine import Engine
from towers.config import config_from
from towers.sessions.segments import Segment
from towers.text.query_rewriter import parsed_as_typed

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands(block: str) -> list[str]:
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def run(command: str, folder: Path, address: str = "") -> subprocess.CompletedProcess[str]:
    name, *words = shlex.split(command)
    assert name == "nextclick"
    return subprocess.run(
        [sys.executable, "-m", "serving.cli", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NEXTCLICK_ADDRESS": address},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@contextmanager
def shop_server(bundle: Path) -> Iterator[str]:
    engine = Engine.open(bundle)
    server = serve(engine, "127.0.0.1:0")
    yield f"127.0.0.1:{server.port}"
    server.stop()
    engine.close()


def asking() -> list[str]:
    return commands(blocks("console")[0])


def test_every_command_of_the_readme_is_one() -> None:
    every = [line for block in blocks("console") for line in commands(block)]
    assert len(every) > 10
    for line in every:
        name, *words = shlex.split(line)
        result = run(f"{name} {words[0]} --help", ROOT)
        assert result.returncode == 0, line


def test_the_settings_of_the_readme_are_settings() -> None:
    config = config_from(tomllib.loads(blocks("toml")[3]))
    assert config.retrieval.epoch_limit == 2


def test_the_rules_of_the_readme_are_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(blocks("toml")[1], encoding="utf-8")
    rules = read_rules(path)
    assert rules.version == "2025-01 spring"
    met = rules.matching(SearchRequest("returns"), parsed_as_typed("returns"), 0.0)
    assert [rule.uri for rule in met if rule.uri] == ["/help/returns"]


def test_the_policy_of_the_readme_is_one(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('version = "1"\n' + blocks("toml")[2], encoding="utf-8")
    policies = read_rules(path).policies
    assert policies.of("home", Segment.RETURNING).exploration == 0.05
    assert policies.of("search", Segment.BARGAIN_HUNTER).diversity == 0.05
    assert policies.of("search", Segment.RETURNING).brand_cap == 4


def test_the_examples_of_asking_end_well(shop_bundle: Path, tmp_path: Path) -> None:
    with shop_server(shop_bundle) as address:
        for line in asking():
            # The demo's items are not this shop's.
            result = run(line.replace("957089", "p0002"), tmp_path, address)
            assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
            if "--json" in line:
                json.loads(result.stdout)


def test_the_python_example_runs(shop_bundle: Path) -> None:
    (code,) = blocks("python")
    with shop_server(shop_bundle) as address:
        names: dict[str, object] = {}
        exec(compile(code.replace("127.0.0.1:50051", address), "README.md", "exec"), names)
    assert names["home"].results  # type: ignore[attr-defined]


@pytest.fixture
def own_shop(tmp_path: Path) -> Path:
    """A folder as the README describes it, under the names of its column map."""
    folder = tmp_path / "my-shop"
    folder.mkdir()
    shop = synthetic_shop(item_count=120, visitor_count=80)
    assert shop.items is not None
    assert shop.events is not None
    rows = shop.items.to_pylist()
    items = {
        "sku": [row["item_id"] for row in rows],
        "title": [row["title"] for row in rows],
        "category": [" > ".join(row["category"]) for row in rows],
        "brand": [row["brand"] for row in rows],
        "price": [row["price"] for row in rows],
        "Colour": ["red" if number % 2 else "" for number in range(len(rows))],
    }
    pa_csv.write_csv(pa.table(items), folder / "items.csv")
    types = {EventType.VIEW: "clicked"}
    with (folder / "events.jsonl").open("w", encoding="utf-8") as file:
        for row in shop.events.to_pylist():
            type_ = EventType(row["type"])
            event = {
                "type": types.get(type_, type_.label),
                "client": row["visitor_id"],
                "time": row["time"].isoformat(),
                "item_id": row["item_id"],
                "query": row["query"],
                "rating": row["rating"],
            }
            file.write(json.dumps(event, ensure_ascii=False) + "\n")
    block = blocks("toml")[0]
    (folder / "columns.toml").write_text(block, encoding="utf-8")
    return tmp_path


def test_an_own_shop_goes_from_files_to_answers(own_shop: Path) -> None:
    prepare, train, evaluate, _ = commands(blocks("console")[1])
    for line in (prepare, train, evaluate):
        result = run(line, own_shop)
        assert result.returncode == 0, f"{line}\n{result.stdout[-2_000:]}{result.stderr[-2_000:]}"
    assert "engine as served" in result.stdout
    bundle = own_shop / "my-bundle"
    assert (bundle / "curves.png").read_bytes().startswith(b"\x89PNG")
    with running_server(bundle, own_shop / "my-state") as server:
        found = run("nextclick search 智能手机 --json", own_shop, server.address)
        top = json.loads(found.stdout)["results"][0]
        assert top["category"] == ["手机", "智能手机"]

        # The day-by-day part: a changed catalogue, embedded in batch and published.
        lines = (own_shop / "my-shop" / "items.csv").read_text(encoding="utf-8").splitlines()
        lines.append('new1,"Velox trail shoes M",Sports > Running,Velox,49.5,')
        (own_shop / "my-items.csv").write_text("\n".join(lines), encoding="utf-8")
        embedded = run(
            "nextclick embed my-bundle my-items.csv --out my-bundle-2 "
            "--map my-shop/columns.toml --json",
            own_shop,
        )
        assert embedded.returncode == 0, embedded.stderr[-2_000:]
        assert json.loads(embedded.stdout)["item_count"] == 121
        published = run("nextclick publish my-bundle-2 --json", own_shop, server.address)
        assert published.returncode == 0, published.stderr
        found = run("nextclick search 'trail shoes' --json", own_shop, server.address)
        assert "new1" in [result["item_id"] for result in json.loads(found.stdout)["results"]]
        assert run("nextclick publish --rollback", own_shop, server.address).returncode == 0
        viewed = "nextclick record view --visitor ann --item p0001"
        assert run(viewed, own_shop, server.address).returncode == 0
    before = json.loads((own_shop / "my-tables" / "tables.json").read_text())["report"]
    line = "nextclick prepare own_log my-state --base my-tables --out my-tables-2 --json"
    again = run(line, own_shop)
    assert again.returncode == 0, again.stderr
    after = json.loads(again.stdout)
    assert after["events"]["count"] == before["events"]["count"] + 1
    assert after["items"]["count"] == 120
    assert run("nextclick doctor my-bundle --address 127.0.0.1:0", own_shop).returncode == 0


def test_a_server_runs_without_tensorflow_and_ends_well_on_a_signal(
    shop_bundle: Path, tmp_path: Path
) -> None:
    with running_server(shop_bundle, tmp_path / "state") as server:
        maps = Path(f"/proc/{server.pid}/maps").read_text()
    assert server.ready_seconds < 30
    # What is loaded shows in the process itself: TensorFlow is not.
    assert "tensorflow" not in maps
    assert "litert" in maps
