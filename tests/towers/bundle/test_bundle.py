"""A bundle is loaded whole or refused, and answers as the ranker that was released."""

from __future__ import annotations

import dataclasses
import gc
import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import BundleError
from data.records import EventType, Item
from data.synthetic import END_TIME
from tests.towers import shelf
from tests.towers.decayed_counts import WORTH, decayed
from towers.bundle.bundle import FORBIDDEN_SUFFIXES, load_bundle
from towers.bundle.golden import check_golden
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign, verify
from towers.bundle.model_metadata import read_facts
from towers.catalog.item_tokens import item_tokens
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

UNREAD = {"manifest.json", "metrics.json", "reranker.tflite"}
"""The manifest is written anew; without a reranker a bundle answers by fusion."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A bundle to damage."""
    folder = tmp_path / "copy"
    shutil.copytree(shelf.bundle_folder(), folder)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    return str(caught.value)


def edited(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Changes a JSON file and signs the folder anew, as a publisher with other ideas would."""
    tree = json.loads((folder / name).read_text(encoding="utf-8"))
    change(tree)
    (folder / name).write_text(json.dumps(tree), encoding="utf-8")
    sign(folder, END_TIME)


def asked(ranker: Ranker) -> list[tuple[list[int], list[float]]]:
    session = Session.empty("v").after(shelf.view("p0004", END_TIME - 20))
    rank_requests = [
        RankRequest(Session.empty("v"), END_TIME),
        RankRequest(session, END_TIME),
        *(
            RankRequest(session.after(shelf.search(text, END_TIME)), END_TIME, text)
            for text in ("espresso", "skilet", "智能手机")
        ),
    ]
    found = [ranker.rank(rank_request) for rank_request in rank_requests]
    return [(shortlist.rows.tolist(), shortlist.scores.tolist()) for shortlist in found]


def test_a_loaded_bundle_answers_as_the_ranker_that_was_released() -> None:
    bundle = load_bundle(shelf.bundle_folder())
    for (rows, scores), (their_rows, their_scores) in zip(
        asked(shelf.ranker()), asked(bundle.ranker), strict=True
    ):
        assert rows == their_rows
        assert scores == pytest.approx(their_scores, abs=1e-5)


def test_a_bundle_says_what_it_is() -> None:
    bundle = load_bundle(shelf.bundle_folder())
    assert bundle.manifest == verify(shelf.bundle_folder())
    assert bundle.config == shelf.CONFIG
    assert bundle.ranker.known_types == shelf.KNOWN_TYPES
    assert bundle.facts.feature_names == FEATURE_NAMES
    assert bundle.facts.counted_until == END_TIME
    assert bundle.facts.log_positions == ((1, 1), (2**40, 7))
    assert bundle.feature_means.tolist() == [0.5] * len(FEATURE_NAMES)
    assert bundle.catalog.item_ids == [item.item_id for item in shelf.items()]
    assert bundle.path == shelf.bundle_folder()


def test_counts_go_on_from_where_the_release_left_them() -> None:
    sources = load_bundle(shelf.bundle_folder()).ranker.sources
    rows = np.arange(len(shelf.items()))
    for counts, half_life in (
        (sources.popularity, 30.0),
        (sources.trend, 3.0),
        (sources.surge, 1.0 / 24.0),
    ):
        assert counts.half_life_days == half_life
        for later in (0.0, 3_600.0, 10 * 86_400.0):
            time = END_TIME + later
            # Nothing ages by more than a day while nothing happens.
            telling = {*WORTH, EventType.RETURN}
            newest = max(event.time for event in shelf.events() if event.type in telling)
            awake = min(time, newest + 86_400.0)
            expected = [
                decayed(shelf.events(), item.item_id, awake, half_life) for item in shelf.items()
            ]
            assert counts.at(rows, time).tolist() == pytest.approx(expected)


def test_loading_and_serving_leave_the_folder_as_it_was(copy: Path) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    bundle = load_bundle(copy)
    asked(bundle.ranker)
    bundle.ranker.sources.lexical.put([(0, Item("p0000", "other words"))])
    bundle.catalog.remove("p0003")
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    assert load_bundle(copy).manifest == bundle.manifest


def test_a_bundle_may_be_moved(copy: Path, tmp_path: Path) -> None:
    moved = copy.rename(tmp_path / "moved to there")
    assert asked(load_bundle(moved).ranker) == asked(load_bundle(shelf.bundle_folder()).ranker)


def test_the_item_encoder_embeds_an_item_by_its_words_alone() -> None:
    """Training left items' own vectors out here, so it gives the very vectors that they have."""
    bundle = load_bundle(shelf.bundle_folder())
    for item, known in zip(shelf.items(), shelf.models().embeddings, strict=True):
        vector = bundle.item_encoder.encode(item_tokens(item, bundle.config.text))
        assert vector.tolist() == pytest.approx(known.tolist(), abs=1e-5)


def test_a_signed_bundle_without_one_of_its_files_is_refused(tmp_path: Path) -> None:
    for path in sorted(shelf.bundle_folder().rglob("*")):
        name = path.relative_to(shelf.bundle_folder()).as_posix()
        if path.is_dir() or name in UNREAD or name.startswith("training/"):
            continue
        folder = tmp_path / "lacking"
        shutil.copytree(shelf.bundle_folder(), folder)
        (folder / name).unlink()
        sign(folder, END_TIME)
        try:
            load_bundle(folder)
            message = ""
        except BundleError as error:
            message = str(error)
        # Which of their own files these two can do without is theirs to say. Bundles made before texts
        # had keys are served as well: the first change of each item then counts as one of words.
        may_lack = ("sources/lexical/", "sources/learnt/scann/", "catalog/text_keys.npy")
        if message or not name.startswith(may_lack):
            assert message.startswith("lacking: expected loadable parts, received: "), name
        shutil.rmtree(folder)


def test_a_bundle_trained_on_nothing_to_rank_answers_by_fusion(copy: Path) -> None:
    (copy / "reranker.tflite").unlink()
    sign(copy, END_TIME)
    bundle = load_bundle(copy)
    assert bundle.ranker.reranker is None
    shortlist = bundle.ranker.rank(RankRequest(Session.empty("v"), END_TIME))
    assert shortlist.missing == ("reranker",) and len(shortlist.rows) > 50


@pytest.mark.parametrize("suffix", FORBIDDEN_SUFFIXES)
@pytest.mark.parametrize("position", ["x", "catalog/x", "sources/learnt/scann/scann_docids"])
def test_a_file_that_can_carry_code_is_refused_though_signed(
    copy: Path, suffix: str, position: str
) -> None:
    for written in (suffix, suffix.upper()):
        path = copy / (position + written)
        path.write_bytes(b"")
        sign(copy, END_TIME)
        expected = f"{Path(position + written).name}: expected no format that can carry code"
        assert refusal(copy) == f"{expected} in a bundle"
        path.unlink()


def test_a_pickle_hidden_in_an_array_is_refused(copy: Path) -> None:
    np.save(copy / "sources/learnt/embeddings.npy", np.array([{"a": 1}]), allow_pickle=True)
    sign(copy, END_TIME)
    assert "Object arrays cannot be loaded" in refusal(copy)


def test_damage_is_found_before_anything_is_read(copy: Path) -> None:
    (copy / "sources/learnt/embeddings.npy").write_bytes(b"no array")
    assert refusal(copy).startswith("sources/learnt/embeddings.npy: expected ")


@pytest.mark.parametrize(
    ("names", "received"),
    [
        (FEATURE_NAMES[:-1], FEATURE_NAMES[-1]),
        ((*FEATURE_NAMES, "new"), "new"),
        (FEATURE_NAMES[::-1], "another order"),
    ],
)
def test_features_of_another_version_are_refused_by_name(
    copy: Path, names: tuple[str, ...], received: str
) -> None:
    edited(copy, "model.json", lambda tree: tree.update(feature_names=names))
    assert refusal(copy) == (
        "model.json, feature_names: expected the features of this version,"
        f" received others: {received}"
    )


def test_embeddings_of_another_catalogue_are_refused(copy: Path) -> None:
    np.save(copy / "sources/learnt/embeddings.npy", shelf.models().embeddings[:-1])
    sign(copy, END_TIME)
    assert refusal(copy) == "embeddings.npy: expected 240 rows, received 239"


def test_poisoned_embeddings_are_refused(copy: Path) -> None:
    embeddings = shelf.models().embeddings.copy()
    embeddings[77, 3] = np.nan
    np.save(copy / "sources/learnt/embeddings.npy", embeddings)
    sign(copy, END_TIME)
    assert "expected finite rows of length 1, received length nan in row 77" in refusal(copy)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("config.json", lambda tree: tree.update(colour="red"), "colour: expected one of "),
        ("config.json", lambda tree: tree["towers"].update(dim="x"), "towers.dim: expected int"),
        ("model.json", lambda tree: tree.pop("golden"), "'golden'"),
        ("model.json", lambda tree: tree.update(counted_until=[]), "float()"),
        ("catalog/names.json", lambda tree: tree.pop("titles"), "'titles'"),
        ("sources/popular/trend.json", lambda tree: tree.update(base_time=None), "float()"),
        ("sources/learnt/shape.json", lambda tree: tree.update(more=1), "more"),
    ],
)
def test_a_signed_file_of_other_content_is_refused(
    copy: Path, name: str, change: Callable[[Any], object], message: str
) -> None:
    edited(copy, name, change)
    refused = refusal(copy)
    assert refused.startswith("copy: expected loadable parts, received: ") and message in refused


@pytest.mark.parametrize("name", ["config.json", "model.json", "catalog/names.json"])
@pytest.mark.parametrize("content", ["[]", "null", "", "[[[", "\x00"])
def test_signed_nonsense_is_refused(copy: Path, name: str, content: str) -> None:
    (copy / name).write_text(content, encoding="utf-8")
    sign(copy, END_TIME)
    assert refusal(copy).startswith("copy: expected loadable parts, received: ")


def test_golden_answers_come_again_after_a_load() -> None:
    bundle = load_bundle(shelf.bundle_folder())
    golden = bundle.facts.golden
    assert len(golden) == 2 and all(len(entry["item_ids"]) == 10 for entry in golden)
    words = set(golden[0]["query"].split())
    for item_id in golden[0]["item_ids"]:
        row = bundle.catalog.row_of[item_id]
        brand = bundle.catalog.brand_codes.names[bundle.catalog.brand[row]]
        assert words & set(f"{bundle.catalog.titles[row]} {brand}".lower().split()), item_id
    check_golden(bundle.ranker, golden)


@pytest.mark.parametrize("wrong", [2, 3, 10])
def test_golden_answers_that_differ_by_more_than_a_fifth_are_refused(wrong: int) -> None:
    bundle = load_bundle(shelf.bundle_folder())
    (entry, _) = bundle.facts.golden
    changed = [f"other{n}" for n in range(wrong)] + entry["item_ids"][wrong:]
    golden = [dict(entry, item_ids=changed)]
    if wrong == 2:
        check_golden(bundle.ranker, golden)
        return
    expected = ", ".join(sorted(changed))
    received = ", ".join(sorted(entry["item_ids"]))
    with pytest.raises(BundleError) as caught:
        check_golden(bundle.ranker, golden)
    assert str(caught.value) == (
        f"golden query 'moccado espresso': expected items {expected}, received {received}"
    )


def test_swapped_rows_do_not_pass_the_golden_queries(copy: Path) -> None:
    """Every file signed and well formed, but vectors and names no longer belong together."""
    np.save(copy / "sources/learnt/embeddings.npy", shelf.models().embeddings[::-1])
    edited(copy, "catalog/names.json", lambda tree: tree["item_ids"].reverse())
    bundle = load_bundle(copy)
    with pytest.raises(BundleError, match="^golden query 'moccado espresso': expected items "):
        check_golden(bundle.ranker, bundle.facts.golden)


def test_facts_are_read_as_they_were_written() -> None:
    facts = read_facts(Layout(shelf.bundle_folder()))
    assert facts == load_bundle(shelf.bundle_folder()).facts
    assert dataclasses.asdict(facts)["known_types"] == tuple(sorted(shelf.KNOWN_TYPES))


def test_no_name_of_a_visitor_is_in_a_bundle() -> None:
    visitors = {event.visitor_id.encode() for event in shelf.events()}
    assert len(visitors) == 60
    for path in shelf.bundle_folder().rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(visitor in content for visitor in visitors), path


class _Loop:
    """Garbage whose finaliser lets another thread run."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        time.sleep(0)


def test_garbage_of_others_does_not_disturb_the_loading() -> None:
    """With garbage collection one of these loads fails: ``AST constructor recursion depth mismatch``."""
    folder = shelf.bundle_folder()
    manifest = verify(folder)
    thresholds = gc.get_threshold()
    is_over = threading.Event()

    def make_garbage() -> None:
        while not is_over.wait(0.000_1):
            _Loop()

    maker = threading.Thread(target=make_garbage)
    maker.start()
    gc.set_threshold(20, 5, 5)
    try:
        for _ in range(30):
            load_bundle(folder, manifest)
    finally:
        gc.set_threshold(*thresholds)
        is_over.set()
        maker.join()
