"""``nextclick recommend`` for promotion and after-sales, against a real server."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from serving.cli.commands.ask import recommend
from serving.cli.commands.offers import offers
from serving.edge.server import RunningServer
from tests.towers import shelf

FIRST, SECOND = [item.item_id for item in shelf.items() if item.in_stock][:2]


def run(server: RunningServer, *words: str) -> Result:
    options = [*words, "--address", f"127.0.0.1:{server.port}"]
    return CliRunner().invoke(recommend, options, env={"COLUMNS": "240"})


def put(server: RunningServer, *rows: dict[str, object]) -> None:
    lines = "\n".join(map(json.dumps, rows))
    options = ["update", "-", "--address", f"127.0.0.1:{server.port}"]
    assert CliRunner().invoke(offers, options, input=lines).exit_code == 0


def test_promotion_shows_the_offer_of_each_item_and_why(server: RunningServer) -> None:
    nothing = run(server, "--placement", "promotion")
    assert nothing.exit_code == 0 and "nothing on offer" in nothing.output
    put(server, {"offer_id": "c1", "kind": "coupon", "item_ids": [FIRST, SECOND], "text": "5 off"})
    shown = run(server, "--placement", "promotion", "--visitor", "v", "--explain")
    assert shown.exit_code == 0 and "c1" in shown.output
    assert "on offer: 5 off" in shown.output or "优惠中：5 off" in shown.output
    told = json.loads(run(server, "--placement", "promotion", "--json").output)
    assert {one["item_id"]: one["offer_id"] for one in told["results"]} == {
        FIRST: "c1",
        SECOND: "c1",
    }
    assert run(server, "--placement", "promotion", "--item", FIRST).exit_code == 2


def test_after_sales_shows_services_beside_the_items(server: RunningServer) -> None:
    refused = run(server, "--placement", "after_sales", "--visitor", "v")
    assert refused.exit_code == 2
    assert "a visitor with a purchase, a review or a return" in refused.output
    assert run(server, "--placement", "after_sales", "--item", "gone").exit_code == 2
    put(server, {"offer_id": "r1", "kind": "service", "item_ids": [FIRST], "text": "Repair"})
    shown = run(server, "--placement", "after_sales", "--item", FIRST)
    assert shown.exit_code == 0 and "Repair" in shown.output and "r1" in shown.output
    told = json.loads(run(server, "--placement", "after_sales", "--item", FIRST, "--json").output)
    assert [one["offer_id"] for one in told["services"]] == ["r1"]
    assert FIRST not in {one["item_id"] for one in told["results"]}
