"""A candidate source is one file and one entry in the list: everything else follows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

TOY = '''
"""The toy source: the newest items that anybody touched or the shop changed, newest first."""

import numpy as np

from towers.retrieval.source import Found, Source
from towers.retrieval.sparse_scores import SparseScores


class Toy(Source):
    name = "toy"
    scored_as = "toy"

    def __init__(self, rows=()):
        self.rows = list(rows)

    @classmethod
    def build(cls, data):
        ids = [event.item_id for event in data.events if event.item_id]
        return cls(data.catalog.rows(list(dict.fromkeys(ids))[-3:]).tolist())

    def find(self, encoded, allowed, config):
        if encoded.text == "fail":
            raise RuntimeError("the toy is broken")
        rows = np.array(self.rows[::-1][:10], np.int64)
        scores = SparseScores.summed(rows, np.arange(len(rows), 0, -1).astype(np.float32))
        return Found(allowed.only(rows), scores)

    def save(self, folder):
        np.save(folder / "rows.npy", np.array(self.rows, np.int64))

    @classmethod
    def load(cls, folder, catalog):
        return cls(np.load(folder / "rows.npy", allow_pickle=False).tolist())

    def take_in_event(self, row, event):
        self.rows.append(row)

    def take_in_items(self, changes):
        self.rows.extend(row for row, _ in changes)

    def rebased(self, rebase):
        moved = rebase.moved[np.array(self.rows, np.int64)]
        return Toy(moved[moved >= 0].tolist())
'''

SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import towers.retrieval.source_list as source_list
from toy import Toy

source_list.SOURCE_TYPES += (Toy,)  # What the entry in the list does.

from data.records import Event, EventType, Item
from data.synthetic import END_TIME
import serving.answering.explained_results as explanations
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from tests.towers import shelf
from towers.bundle.bundle import load_bundle
from towers.ranking.features import FEATURE_NAMES
from towers.training.item_embedding import reembed

folder, out = Path(sys.argv[1]), {}
# The newest three items of the log, oldest first.
shelf.events = lambda: tuple(shelf.view(item_id, END_TIME - 9 + number)
                             for number, item_id in enumerate(["p0003", "p0007", "p0200"]))
bundle = folder / "bundle"
bundle.mkdir()
shelf.write_bundle(bundle)
out["files"] = sorted(path.name for path in (bundle / "sources").iterdir())
out["loaded_rows"] = load_bundle(bundle).ranker.sources.get("toy").rows
out["feature_names"] = list(FEATURE_NAMES)
engine = Engine.open(bundle, folder / "state", clock=lambda: END_TIME + 60.0)
engine.record([Event("e", EventType.VIEW, "other", END_TIME + 1, item_id="p0150")])
engine.update_items([replace(shelf.items()[42], title="Something else altogether")])
explanations._EXPLAINED_FEATURE_COUNT = 100  # All of them, not only the strongest.
request = RecommendRequest(Placement.HOME, "somebody", page_size=240, explain=True)
answer = engine.recommend(request)
out["sources"] = {
    result.item_id: {hit.source: hit.rank for hit in result.sources} for result in answer.results
}
out["explained"] = sorted({e.feature for r in answer.results for e in r.feature_effects})
ranker = engine.bundle.ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
shortlist = ranker.rank(RankRequest(Session.empty("x"), END_TIME + 60.0))
columns = {name: shortlist.features[:, FEATURE_NAMES.index(name)] for name in
           ("toy_rank", "toy_score", "toy_share")}
out["features"] = {
    ranker.sources.catalog.item_ids[row]: [float(columns[name][place]) for name in columns]
    for place, row in enumerate(shortlist.rows.tolist())
}
# Only what the reranker's weights make of the new columns can be told: every one has an effect.
from towers.ranking.explanations import feature_effects
effects = feature_effects(ranker, shortlist, np.arange(20), engine.bundle.feature_means)
out["moved"] = [bool(np.abs(effects[:, FEATURE_NAMES.index(name)]).max() > 0) for name in columns]
broken = engine.search(SearchRequest("fail", "somebody"))
out["missing"], out["broken_count"] = list(broken.missing), len(broken.results)
engine.close()
kept = [item for item in shelf.items() if item.item_id != "p0007"][::-1]
reembed(bundle, kept, folder / "moved", items_time=END_TIME, created_time=END_TIME)
sources = load_bundle(folder / "moved").ranker.sources
out["moved_ids"] = [sources.catalog.item_ids[row] for row in sources.get("toy").rows]
from data.split import Split
from data.tables import Tables, events_table, items_table, judgments_table
from tests.quick_training import train_quickly

tables = Tables(
    folder,
    items_table([Item("first", "lamp"), Item("second", "lamp")]),
    events_table([shelf.view("first", 10.0), shelf.view("second", 30.0)]),
    judgments_table([]),
    Split(20.0, 40.0),
    {},
)
settings = {"text": {"bucket_count": 1_024}, "towers": {"dim": 16, "session_encoder": "dnn"},
            "retrieval": {"epoch_limit": 1}}
train_quickly(tables, folder / "trained", settings)
sources = load_bundle(folder / "trained").ranker.sources
out["trained_ids"] = [sources.catalog.item_ids[row] for row in sources.get("toy").rows]
print("RESULT" + json.dumps(out))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process with one more source in its list sees of it."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.py").write_text(TOY, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        env={"PYTHONPATH": f"{ROOT}:{folder}", "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    result: dict[str, Any] = json.loads(done.stdout.partition("RESULT")[2])
    return result


def test_training_builds_it_from_all_events_and_releases_it(seen: dict[str, Any]) -> None:
    assert seen["trained_ids"] == ["first", "second"]


def test_it_is_saved_in_a_bundle_and_loaded_again(seen: dict[str, Any]) -> None:
    assert seen["files"] == [
        "bought",
        "covisited",
        "learnt",
        "lexical",
        "neighbours",
        "popular",
        "semantic",
        "toy",
    ]
    assert seen["loaded_rows"] == [3, 7, 200]


def test_answers_tell_it_with_its_ranks_and_events_and_items_reach_it(seen: dict[str, Any]) -> None:
    found = {item: hits["toy"] for item, hits in seen["sources"].items() if "toy" in hits}
    # The changed item came last, before it the viewed one, before them those of the bundle.
    order = ["p0042", "p0150", "p0200", "p0007", "p0003"]
    assert found == {item: rank for rank, item in enumerate(order, 1)}


def test_the_reranker_reads_its_rank_and_its_scores(seen: dict[str, Any]) -> None:
    names = seen["feature_names"]
    assert names.index("toy_rank") == names.index("popular_rank") + 1
    assert names.index("toy_score") == names.index("neighbour_score") + 1
    assert names.index("toy_share") == names.index("neighbour_share") + 1
    expected = {item: [0.0, 0.0, 0.0] for item in seen["features"]}
    for rank, item in enumerate(["p0042", "p0150", "p0200", "p0007", "p0003"]):
        expected[item] = [20 / (20 + rank), 5.0 - rank, (5.0 - rank) / 5.0]
    assert seen["features"].keys() == expected.keys()
    for item, values in seen["features"].items():
        assert values == pytest.approx(expected[item], abs=1e-6), item


def test_explanations_say_what_its_features_did(seen: dict[str, Any]) -> None:
    assert seen["moved"] == [True, True, True]
    assert {"toy_rank", "toy_score", "toy_share"} <= set(seen["explained"])


def test_where_it_fails_the_answer_names_it_and_the_others_answer(seen: dict[str, Any]) -> None:
    assert seen["missing"] == ["toy"] and seen["broken_count"] > 0


def test_it_moves_with_its_items_to_another_catalogue(seen: dict[str, Any]) -> None:
    assert seen["moved_ids"] == ["p0003", "p0200"]
