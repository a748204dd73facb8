"""The commands do what their help says, against a real server."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from data.errors import InputError
from data.records import EVENT_TYPE_BY_LABEL, Event, EventType, Item
from data.sources.own_log import LOG_NAME, iter_events
from serving.api.requests import (
    AttributeCondition,
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
)
from serving.cli.commands.admin import interleave, publish, status
from serving.cli.commands.ask import recommend, search
from serving.cli.commands.items import items
from serving.cli.commands.loadtest import loadtest
from serving.cli.commands.record import record
from serving.cli.commands.serve import serve
from serving.cli.jsonl_input import read_events, read_items
from serving.edge.server import RunningServer
from tests.serving.gated_engine import GatedEngine
from tests.towers import shelf

NOW = 1_700_000_000.0
Run = Callable[..., Result]


@pytest.fixture
def run(server: RunningServer) -> Run:
    def run(command: click.Command, *arguments: str, given: str | None = None) -> Result:
        words = [*arguments, "--address", f"127.0.0.1:{server.port}"]
        return CliRunner().invoke(command, words, input=given)

    return run


def test_search_shows_a_table_or_json(run: Run, engine: GatedEngine) -> None:
    moccado = {item.item_id: item for item in shelf.items() if item.brand == "Moccado"}
    words = ["moccado espresso", "--visitor", "v", "--brand", "Moccado"]
    result = run(search, *words)
    assert result.exit_code == 0, result.output
    assert all(item_id in result.output for item_id in moccado)
    answer = json.loads(run(search, *words, "--json", "--explain", "--no-record").output)
    given = engine.answers[-1]
    assert answer == json.loads(json.dumps(asdict(replace(given, results=tuple(given.results)))))
    titles = {found["item_id"]: found["title"] for found in answer["results"]}
    assert titles == {item_id: item.title for item_id, item in moccado.items()}
    assert answer["results"][0]["event_effects"][0]["event_type"] == "search"
    assert "智能手机" in run(search, "智能手机", "--json").output
    engine.log.flush()
    assert engine.log.event_count == 1


def test_groups_are_shown_once_with_the_count_of_their_other_members(run: Run) -> None:
    answer = json.loads(run(search, "kitchen", "--group-by", "size", "--json").output)
    sizes = {item.item_id: item.attributes.get("size") for item in shelf.items()}
    found = answer["results"]
    assert len({sizes[one["item_id"]] for one in found}) == len(found)
    assert answer["group_by"] == "size" and answer["group_count"] > 1
    shown = " ".join(run(search, "kitchen", "--group-by", "size").output.split())
    assert f"+{found[0]['variant_count']} more" in shown
    assert f"{answer['match_count']} matching in {answer['group_count']} groups" in " ".join(
        shown.split()
    )
    home = json.loads(run(recommend, "--group-by", "size", "--json").output)
    assert home["group_by"] == "size"
    refused = run(search, "kitchen", "--group-by", "siez")
    assert refused.exit_code == 2
    assert "group_by: expected one of none, size" in refused.output
    assert "(did you mean size?)" in refused.output


def test_conditions_in_a_text_are_told_by_a_real_server_and_switched_off(
    run: Run, engine: GatedEngine
) -> None:
    dear = {item.item_id for item in shelf.items() if item.price is None or item.price > 40}
    words = ["moccado espresso under 40", "--page-size", "100", "--no-record"]
    output = " ".join(run(search, *words).output.split())
    assert "“under 40” read as price up to 40" in output and "is the brand Moccado" in output
    answer = json.loads(run(search, *words, "--json").output)
    given = engine.answers[-1]
    assert answer == json.loads(json.dumps(asdict(replace(given, results=tuple(given.results)))))
    assert [part["text"] for part in answer["understood"]] == ["under 40", "moccado"]
    assert not dear & {result["item_id"] for result in answer["results"]}
    literal = json.loads(run(search, *words, "--literal", "--json").output)
    assert [part["text"] for part in literal["understood"]] == ["moccado"]
    assert dear & {result["item_id"] for result in literal["results"]}


def test_the_options_of_a_page_reach_the_engine(run: Run, engine: GatedEngine) -> None:
    options = ["--category", "Kitchen > Coffee", "--brand", "Moccado", "--brand", "Brewster"]
    options += ["--in-stock", "--min-price", "9", "--max-price", "60.5"]
    options += ["--page-size", "7", "--visitor", "v"]
    condition = Filter(("Kitchen", "Coffee"), ("Moccado", "Brewster"), 9.0, 60.5, True)
    fit = {
        item.item_id
        for item in shelf.items()
        if item.brand in ("Moccado", "Brewster") and 9 <= (item.price or 0) <= 60.5
    }
    assert run(search, "espresso", *options).exit_code == 0
    assert engine.seen[-1] == SearchRequest("espresso", "v", 7, filter=condition)
    assert len(engine.answers[-1].results) == 7 < len(fit)
    words = ["--placement", "cart", "--item", "p0002", "--item", "p0012", "--offset", "2"]
    assert run(recommend, *words, *options).exit_code == 0
    expected = RecommendRequest(Placement.CART, "v", ("p0002", "p0012"), 7, 2, condition)
    assert engine.seen[-1] == expected
    shown = {result.item_id for answer in engine.answers for result in answer.results}
    assert shown <= fit


def test_a_page_goes_on_with_the_order_of_the_first_answer(run: Run, engine: GatedEngine) -> None:
    words = ["espresso", "--visitor", "v", "--page-size", "7"]
    assert run(search, *words).exit_code == 0
    key = engine.answers[-1].order_key
    engine.delete_items([engine.answers[-1].results[0].item_id])
    assert run(search, *words, "--offset", "7", "--order-key", key).exit_code == 0
    assert engine.seen[-1] == SearchRequest("espresso", "v", 7, 7, order_key=key)
    first, second = ({one.item_id for one in answer.results} for answer in engine.answers)
    assert len(first) == len(second) == 7 and not first & second
    done = run(search, *words, "--offset", "7", "--order-key", "no key")
    assert done.exit_code == 2 and "order_key: expected 32 hexadecimal digits" in done.output


def test_conditions_on_attributes_the_order_and_facets_reach_the_engine(
    run: Run, engine: GatedEngine
) -> None:
    noted = {"note": "a=b", "weight": "1.7", "size": "M"}
    # The second is too heavy, the third of another size.
    engine.update_items(
        [
            Item("n1", "Near espresso", brand="Near", price=4.0, attributes=noted),
            Item("n2", "Far espresso", brand="Far", price=4.0, attributes=noted | {"weight": "3"}),
            Item("n3", "Far espresso", brand="Far", price=4.0, attributes=noted | {"size": "S"}),
        ]
    )
    options = ["--where", "size=L", "--where", "size=M", "--where", "note=a=b"]
    options += ["--where", "weight>=1.5", "--where", "weight<=2", "--price", "1.5-9"]
    options += ["--sort", "price_high", "--facet", "brand", "--facet", "size"]
    condition = Filter(
        min_price=1.5,
        max_price=9.0,
        attributes=(
            AttributeCondition("size", ("L", "M")),
            AttributeCondition("note", ("a=b",)),
            AttributeCondition("weight", (), 1.5, 2.0),
        ),
    )
    listing: Any = {
        "filter": condition,
        "sort_by": SortOrder.PRICE_HIGH,
        "facets": (FacetRequest("brand"), FacetRequest("size")),
    }
    for ask, request in (
        (partial(run, search, "espresso"), SearchRequest("espresso", **listing)),
        (partial(run, recommend), RecommendRequest(Placement.HOME, **listing)),
    ):
        answer = json.loads(ask(*options, "--json").output)
        assert engine.seen[-1] == request
        assert [result["item_id"] for result in answer["results"]] == ["n1"]
        assert [facet["name"] for facet in answer["facets"]] == ["brand", "size"]
    for text, bounds in (("-9", (None, 9.0)), ("2-", (2.0, None))):
        assert run(search, "espresso", "--price", text).exit_code == 0
        asked = engine.seen[-1]
        assert isinstance(asked, SearchRequest)
        assert asked.filter == Filter(min_price=bounds[0], max_price=bounds[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--price", "cheap"], "expected MIN-MAX, received 'cheap'"),
        (["--price", "1-2", "--min-price", "1"], "expected --price, or --min-price and"),
        (["--where", "size"], "expected NAME=VALUE, received 'size'"),
        (["--where", "size>=big"], "size: expected a number, received 'big'"),
        (["--sort", "colour"], "is not one of"),
    ],
)
def test_options_that_say_nothing_are_refused(run: Run, options: list[str], message: str) -> None:
    result = run(search, "espresso", *options)
    assert result.exit_code == 2 and message in result.output


def test_wrong_use_ends_with_2_and_names_the_field(run: Run) -> None:
    result = run(search, "  ")
    assert result.exit_code == 2
    assert "query: expected 1 to 256 characters, received ''" in result.output
    assert run(recommend, "--placement", "item").exit_code == 2
    assert run(recommend, "--placement", "attic").exit_code == 2
    assert run(record, "stare", "--visitor", "v").exit_code == 2
    assert run(record).exit_code == 2
    assert run(publish).exit_code == 2
    assert run(loadtest).exit_code == 2
    assert run(loadtest, "--rate", "5", "--mix", "sing=1").exit_code == 2


def test_a_server_that_is_away_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(status, ["--address", "127.0.0.1:1"])
    assert result.exit_code == 1
    assert "UNAVAILABLE" in result.output


def test_record_takes_one_event_or_a_file(run: Run, engine: GatedEngine, tmp_path: Path) -> None:
    before, log = time.time(), tmp_path / "state" / LOG_NAME
    result = run(record, "review", "--visitor", "v", "--item", "p0002", "--rating", "4", "--json")
    assert json.loads(result.output)["recorded_count"] == 1
    (event,) = iter_events(log)
    assert (event.type, event.rating, event.item_id) == (EventType.REVIEW, 4.0, "p0002")
    assert before <= event.time <= time.time()

    lines = [
        {"event_id": f"e{n}", "type": "view", "visitor_id": "v", "item_id": "p0002"}
        for n in range(1_200)
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    assert "recorded 1,200, known already 0" in run(record, "--file", str(file)).output
    given = json.dumps({"type": "search", "visitor_id": "访客", "query": "牛奶"})
    assert "recorded 1," in run(record, "--file", "-", given=given).output
    *_, event = iter_events(log)
    assert (event.query, event.visitor_id, engine.log.event_count) == ("牛奶", "访客", 1_202)


def test_a_wrong_line_ends_with_1_and_is_named(run: Run, engine: GatedEngine) -> None:
    result = run(record, "--file", "-", given='{"type": "view", "visitor_id": "v"}')
    assert result.exit_code == 1
    assert "row 1, item_id: expected 1 to 128 characters" in result.output
    assert engine.log.event_count == 0


def test_of_a_file_with_a_fault_nothing_is_sent(
    run: Run, engine: GatedEngine, tmp_path: Path
) -> None:
    good = [json.dumps({"type": "view", "visitor_id": "v", "item_id": "p0002"})] * 1_500
    result = run(record, "--file", "-", given="\n".join([*good, '{"type": "blink"}']))
    assert result.exit_code == 1 and "row 1,501, type: expected one of" in result.output
    good = [json.dumps({"item_id": f"n{number}", "title": "x"}) for number in range(1_500)]
    result = run(items, "update", "-", given="\n".join([*good, '{"title": "x"}']))
    assert result.exit_code == 1 and "row 1,501, item_id: expected" in result.output
    file = tmp_path / "latin.jsonl"
    file.write_bytes('{"item_id": "n1", "title": "Käse"}'.encode("latin-1"))
    result = run(items, "update", str(file))
    assert result.exit_code == 1 and "latin.jsonl: expected UTF-8, received: " in result.output
    assert engine.log.event_count == 0 and engine.status().live_item_count == 0


def test_items_come_and_go(run: Run, engine: GatedEngine) -> None:
    given = '{"item_id": "n1", "title": "Nut milk", "category": "Dairy > Milk", "price": 2}'
    result = run(items, "update", "-", given=given)
    assert result.output.strip() == "added 1, updated 0, removed 0", result.output
    (found,) = engine.search(SearchRequest("nut milk", filter=Filter(("Dairy", "Milk")))).results
    assert (found.item_id, found.title, found.price) == ("n1", "Nut milk", 2.0)
    result = run(items, "delete", "n1", "never-was", "--json")
    assert json.loads(result.output)["removed_count"] == 1
    assert engine.status().item_count == 240


def test_publish_rollback_and_status(
    run: Run, engine: GatedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    result = run(publish, "--rollback")
    assert result.exit_code == 1
    assert "rollback: expected an earlier bundle" in result.output
    first, second = engine.status().bundle_path, str(tmp_path / "second")
    shutil.copytree(first, second)
    assert json.loads(run(publish, second, "--json").output)["bundle_path"] == second
    assert second in run(status).output
    back = json.loads(run(publish, "--rollback", "--json").output)
    assert (back["bundle_path"], back["previous_bundle_path"]) == (first, second)


def test_interleave_begins_ends_and_is_told_by_status(
    run: Run, engine: GatedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert run(interleave).exit_code == 2 and run(interleave, "x", "--stop").exit_code == 2
    assert run(interleave, "x", "--share", "0").exit_code == 2
    result = run(interleave, "--stop")
    assert result.exit_code == 1
    assert "interleaving: expected a comparison that runs, received none" in result.output
    assert run(interleave, str(tmp_path / "none")).exit_code == 1
    second = str(tmp_path / "second")
    shutil.copytree(engine.status().bundle_path, second)
    told = json.loads(run(interleave, second, "--share", "1", "--json").output)["interleaving"]
    assert (told["bundle_path"], told["share"], told["is_running"]) == (second, 1.0, True)
    words = ["moccado espresso", "--visitor", "v", "--json"]
    answer = json.loads(run(search, *words).output)
    assert answer["interleaved_bundle_id"] == told["bundle_id"]
    token, item_id = answer["attribution_token"], answer["results"][0]["item_id"]
    options = ["--visitor", "v", "--item", item_id, "--token", token]
    assert run(record, "purchase", *options).exit_code == 0
    ended = json.loads(run(interleave, "--stop", "--json").output)["interleaving"]
    assert not ended["is_running"] and ended["visitor_count"] == 1
    for tally in ended["tallies"]:
        assert tally["answer_count"] == 1 == tally["win_count"] + tally["loss_count"]
    assert [(one["surface"], one["action"]) for one in ended["tallies"]] == [
        (surface, action) for surface in ("", "search") for action in ("click", "cart", "purchase")
    ]
    table = run(status).output
    for part in (second, "ended: stopped by an operator", "search", "purchase", "100.0%"):
        assert part in table


def test_loadtest_prints_what_came_of_it(run: Run, tmp_path: Path) -> None:
    result = run(loadtest, "--rate", "20", "--rate", "40", "--seconds", "0.3", "--json")
    assert [step["sent_count"] for step in json.loads(result.output)] == [6, 12]
    queries = tmp_path / "queries.txt"
    queries.write_text("espresso\n\nnotebook\n")
    options = ["--concurrency", "2", "--calls", "9", "--queries", str(queries), "--seconds", "20"]
    result = run(loadtest, *options, "--mix", "search=1", "--json")
    assert json.loads(result.output)[0]["ok_count"] == 9
    assert run(loadtest, "--rate", "20", "--seconds", "0.1").exit_code == 0


def test_loadtest_sends_a_file_a_log_or_shoppers_and_draws(run: Run, tmp_path: Path) -> None:
    calls = tmp_path / "calls.jsonl"
    calls.write_text('{"search": {"query": "espresso", "visitor_id": "anna"}}\n')
    options = ["--concurrency", "1", "--concurrency", "2", "--calls", "6", "--json"]
    chart = tmp_path / "latency.png"
    result = run(loadtest, *options, "--traffic", str(calls), "--png", str(chart))
    assert [step["ok_count"] for step in json.loads(result.output)] == [6, 6]
    assert chart.read_bytes().startswith(b"\x89PNG")
    result = run(loadtest, *options, "--log", str(tmp_path / "state"))
    assert [step["ok_count"] for step in json.loads(result.output)] == [6, 6]
    result = run(loadtest, *options, "--shoppers", "--clients", "2")
    (one, two) = json.loads(result.output)
    assert (one["ok_count"], two["ok_count"], two["client_count"]) == (6, 6, 2)
    assert one["server_cpu_ms"] > 0 and one["server_rss_mb"] > 10
    result = run(loadtest, *options, "--shoppers", "--traffic", str(calls))
    assert result.exit_code == 2
    assert "at most one of --traffic, --log, --shoppers" in result.output


def test_a_load_without_one_answer_ends_with_1(
    run: Run, engine: GatedEngine, tmp_path: Path
) -> None:
    lists = tmp_path / "list.txt"
    lists.write_text("p0002\n")
    engine.fault = ValueError()
    options = ["--rate", "20", "--seconds", "0.1", "--queries", str(lists), "--items", str(lists)]
    result = run(loadtest, *options)
    assert result.exit_code == 1
    assert "answered calls: expected 1 or more, received 0" in result.output


def test_every_command_explains_itself() -> None:
    for command in (serve, search, recommend, record, items, publish, status, loadtest):
        result = CliRunner().invoke(command, ["--help"])
        assert result.exit_code == 0
        assert "Usage:" in result.output


@pytest.mark.parametrize("label", list(EVENT_TYPE_BY_LABEL))
def test_every_type_can_be_read_from_a_line(label: str) -> None:
    what = {"query": "q"} if label == "search" else {"item_id": "i"}
    line = json.dumps({"type": label, "visitor_id": "v", "time": "2023-11-14T22:13:20Z", **what})
    (event,) = read_events([line, "\n"], "stdin", now=NOW)
    assert event == Event("", EVENT_TYPE_BY_LABEL[label], "v", NOW, **what)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "stare"}, "^stdin, row 1, type: expected one of search, view, "),
        ({"time": "noon"}, "^stdin, row 1, time: expected seconds since 1970 or ISO 8601"),
        ({"time": 1e300}, "^stdin, row 1, time: expected seconds since 1970 or ISO 8601"),
        ({"price": "cheap"}, "^stdin, row 1, price: expected a number, received 'cheap'"),
        ({"quantity": True}, "^stdin, row 1, quantity: expected a whole number, received True"),
        ({"colour": "red"}, "^stdin, row 1, colour: expected one of event_id, type, "),
        ({"rating": 3}, "^stdin, row 1, rating: expected none for the type view"),
        ({"item_id": None}, "^stdin, row 1, item_id: expected 1 to 128 characters"),
    ],
)
def test_a_wrong_event_is_named(changes: dict[str, Any], message: str) -> None:
    values = {"type": "view", "visitor_id": "v", "item_id": "i"} | changes
    with pytest.raises(InputError, match=message):
        list(read_events([json.dumps(values)], "stdin", now=NOW))


@pytest.mark.parametrize("line", ["[1]", "{", "7", '"x"'])
def test_a_line_that_is_no_object_is_named(line: str) -> None:
    with pytest.raises(InputError, match="^stdin, row 2, line: expected a JSON object"):
        list(read_items(['{"item_id": "i"}', line], "stdin"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"category": [1]}, "^stdin, row 1, category: expected words"),
        ({"attributes": {"size": 3}}, "^stdin, row 1, attributes: expected words by name"),
        ({"in_stock": "yes"}, "^stdin, row 1, in_stock: expected true or false"),
        ({"created_time": "then"}, "^stdin, row 1, created_time: expected seconds since 1970"),
        ({"price": -1}, "^stdin, row 1, price: expected 0 or more and finite"),
    ],
)
def test_a_wrong_item_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(read_items([json.dumps({"item_id": "i"} | changes)], "stdin"))
