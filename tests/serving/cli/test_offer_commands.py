"""``nextclick offers`` against a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data.errors import InputError
from data.offers.offer import Offer, OfferKind
from serving.cli.commands.offers import offers
from serving.cli.jsonl_input import read_offers
from serving.edge.server import RunningServer
from tests.towers import shelf

FIRST, SECOND = [item.item_id for item in shelf.items() if item.in_stock][:2]
Run = Callable[..., Result]


@pytest.fixture
def run(server: RunningServer) -> Run:
    def run(*arguments: str, given: str | None = None) -> Result:
        words = [*arguments, "--address", f"127.0.0.1:{server.port}"]
        return CliRunner().invoke(offers, words, input=given, env={"COLUMNS": "240"})

    return run


def test_offers_are_put_shown_and_deleted(run: Run, tmp_path: Path) -> None:
    end = time.time() + 86_400
    file = tmp_path / "offers.jsonl"
    rows = [
        {"offer_id": "c1", "kind": "coupon", "item_ids": [FIRST], "amount_off": 2, "end_time": end},
        {"offer_id": "s1", "kind": "service", "item_ids": [SECOND], "text": "Home delivery"},
    ]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = run("update", str(file))
    assert done.output.strip() == "added 2, updated 0", done.output
    shown = run("recommend", "--visitor", "v")
    assert shown.exit_code == 0, shown.output
    assert all(part in shown.output for part in ("c1", "2 off", "Home delivery", "Many shoppers"))
    told = json.loads(run("recommend", "--kind", "coupon", "--item", FIRST, "--json").output)
    (one,) = told["offers"]
    assert (one["offer_id"], one["item_ids"], one["affinity"]) == ("c1", [FIRST], 1.0)
    assert told["left_out_counts"] == {"kind": 1}
    assert run("delete", "c1", "gone").output.strip() == "deleted 1"
    assert json.loads(run("delete", "s1", "--json").output)["deleted_count"] == 1
    assert json.loads(run("recommend", "--json").output)["offers"] == []


def test_what_is_wrong_is_told(run: Run) -> None:
    late = json.dumps({"offer_id": "c", "kind": "coupon", "item_ids": ["x"], "end_time": 5})
    done = run("update", "-", given=late)
    assert done.exit_code == 2
    assert "offers[0].end_time: expected a time to come" in done.output
    assert run("recommend", "--item", "gone").exit_code == 2


def test_a_line_is_read_with_all_its_fields() -> None:
    line = {
        "offer_id": "o",
        "kind": "promotion",
        "item_ids": ["a"],
        "categories": ["Dairy > Milk", ["Snacks"]],
        "percent_off": 10,
        "audience": "vip",
        "start_time": "1970-01-01T00:01:40Z",
        "end_time": 200,
        "budget": 5,
        "visitor_limit": 2,
        "text": "t",
    }
    assert list(read_offers([json.dumps(line)], "f")) == [
        Offer(
            "o",
            OfferKind.PROMOTION,
            ("a",),
            (("Dairy", "Milk"), ("Snacks",)),
            10,
            None,
            "vip",
            100.0,
            200.0,
            5,
            2,
            "t",
        )
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "gift"}, "row 1, kind: expected one of coupon, promotion, service"),
        ({"item_ids": [1]}, "row 1, item_ids: expected words"),
        ({"item_ids": []}, "row 1, item_ids: expected items, or categories"),
        ({"budget": -1}, "row 1, budget: expected 0 or more and finite"),
        ({"start_time": "soon"}, "row 1, start_time: expected seconds since 1970 or ISO 8601"),
        ({"colour": "red"}, "row 1, colour: expected one of offer_id, kind"),
    ],
)
def test_a_bad_line_is_named(changes: dict[str, object], message: str) -> None:
    line = {"offer_id": "o", "kind": "coupon", "item_ids": ["a"], **changes}
    with pytest.raises(InputError, match=f"^f, {message}"):
        list(read_offers([json.dumps(line)], "f"))
