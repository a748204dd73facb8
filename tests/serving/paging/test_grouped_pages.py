"""Pages that show each group once, against the groups of the ungrouped order, made by brute force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import RequestError
from data.synthetic import END_TIME
from protos import discovery_pb2
from serving.api.answers import Answer, Result
from serving.api.proto_codec import (
    read_answer,
    read_recommend,
    read_search,
    write_answer,
    write_recommend,
    write_search,
)
from serving.api.requests import (
    AttributeCondition,
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
)
from serving.engine import Engine
from tests.serving.grouped_shop import bundle_of
from tests.towers import shelf

Request = SearchRequest | RecommendRequest

SEARCH = SearchRequest("kitchen", "v", page_size=7, record=False)
HOME = RecommendRequest(Placement.HOME, "v", page_size=20)
KITCHEN = Filter(("Kitchen",))
REQUESTS = [
    SEARCH,
    replace(SEARCH, query="dark espresso", page_size=20),
    replace(SEARCH, query="shoes", page_size=9, filter=Filter(max_price=200.0)),
    replace(SEARCH, sort_by=SortOrder.PRICE_LOW, page_size=3),
    replace(SEARCH, sort_by=SortOrder.PRICE_HIGH, page_size=5, filter=Filter(min_price=20.0)),
    replace(SEARCH, query="zzyzx", page_size=30),
    HOME,
    replace(HOME, filter=Filter(in_stock_only=True), page_size=100),
    replace(HOME, sort_by=SortOrder.POPULARITY),
    RecommendRequest(Placement.CATEGORY, "v", page_size=6, filter=KITCHEN),
]

Opened = Callable[..., Engine]


def groups_at_random(seed: int) -> np.ndarray:
    """Groups of one to six items all over the catalogue, ``[240] int32``."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, 90, len(shelf.items())).astype(np.int32)
    codes[draw.random(len(codes)) < 0.2] = -1
    return codes


def out_of_stock(seed: int) -> set[str]:
    draw = np.random.default_rng(seed + 100)
    return {item.item_id for item in shelf.items() if draw.random() < 0.3}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    engines: list[Engine] = []

    def opened(seed: int = 1, rules: str = "") -> Engine:
        folder = tmp_path / f"{len(engines)}"
        folder.mkdir()
        path = folder / "rules.toml"
        path.write_text('version = "1"\n' + rules, encoding="utf-8")
        bundle = bundle_of(shelf.bundle_folder(), folder / "bundle", groups_at_random(seed))
        engine = Engine.open(bundle, folder / "state", rules=path, clock=lambda: END_TIME + 60.0)
        engines.append(engine)
        gone = out_of_stock(seed)
        engine.update_items(
            [replace(item, in_stock=False) for item in shelf.items() if item.item_id in gone]
        )
        return engine

    yield opened
    for engine in engines:
        engine.close()


def answered(engine: Engine, request: Request) -> Answer:
    if isinstance(request, SearchRequest):
        return engine.search(request)
    return engine.recommend(request)


def results(
    engine: Engine, request: Request, between: Callable[[], object] = lambda: None
) -> list[Result]:
    """The results of all pages."""
    found: list[Result] = []
    while True:
        answer = answered(engine, request)
        assert not answer.missing
        found += answer.results
        if answer.next_offset is None:
            return found
        request = replace(request, offset=answer.next_offset, order_key=answer.order_key)
        between()


def ids(found: list[Result]) -> list[str]:
    return [result.item_id for result in found]


def group_of(engine: Engine) -> Callable[[str], object]:
    """The group of an item; its id where it stands alone."""
    variants = engine.bundle.variants
    assert variants is not None
    codes, row_of = variants.codes, engine.bundle.catalog.row_of
    return lambda item_id: int(codes[row_of[item_id]]) if codes[row_of[item_id]] >= 0 else item_id


def brute_force(
    order: list[str], matching: set[str], gone: set[str], group: Callable[[str], object]
) -> list[tuple[str, int]]:
    """The ungrouped order with each group once, and how many further members match."""
    groups: dict[object, list[str]] = {}
    for item_id in order:
        groups.setdefault(group(item_id), []).append(item_id)
    leaders: dict[str, int] = {}
    for members in groups.values():
        eligible = [one for one in members if one in matching] or members
        in_stock = [one for one in eligible if one not in gone] or eligible
        leaders[in_stock[0]] = len(eligible) - 1
    return [(item_id, leaders[item_id]) for item_id in order if item_id in leaders]


def matching_ids(engine: Engine, request: Request) -> set[str]:
    """The match set, as an order other than relevance lists it."""
    return set(ids(results(engine, replace(request, sort_by=SortOrder.NEWEST, group_by="none"))))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_grouped_pages_are_the_groups_of_the_whole_order(
    opened: Opened, request_: Request, seed: int
) -> None:
    engine = opened(seed)
    order = ids(results(engine, replace(request_, page_size=100)))
    matching = set(order) if "zzyzx" in str(request_) else matching_ids(engine, request_)
    expected = brute_force(order, matching, out_of_stock(seed), group_of(engine))
    assert any(count for _, count in expected)
    grouped = results(engine, replace(request_, group_by="variant"))
    assert [(one.item_id, one.variant_count) for one in grouped] == expected


def test_groups_by_an_attribute_are_of_equal_values(opened: Opened) -> None:
    engine = opened()
    size_of = {item.item_id: item.attributes.get("size", item.item_id) for item in shelf.items()}
    order = ids(results(engine, HOME))
    expected = brute_force(order, set(order), out_of_stock(1), size_of.__getitem__)
    grouped = results(engine, replace(HOME, group_by="size"))
    assert [(one.item_id, one.variant_count) for one in grouped] == expected
    assert len(grouped) < len(order) / 4


def test_a_result_names_the_first_ten_further_members(opened: Opened) -> None:
    engine = opened()
    size_of = {item.item_id: item.attributes.get("size") for item in shelf.items()}
    for sort_by in (SortOrder.RELEVANCE, SortOrder.PRICE_LOW):
        request = replace(HOME, sort_by=sort_by, page_size=100)
        order = ids(results(engine, request))
        for one in results(engine, replace(request, group_by="size")):
            others = [i for i in order if size_of[i] == size_of[one.item_id] and i != one.item_id]
            assert one.variant_count == len(others)
            assert len(one.variant_ids) == min(10, len(others))
            assert set(one.variant_ids) <= set(others)
            if sort_by is SortOrder.PRICE_LOW:
                assert [*one.variant_ids] == others[:10]


def test_counts_tell_items_and_groups_apart(opened: Opened) -> None:
    engine = opened()
    facets = (FacetRequest("brand", 100),)
    for request in (SEARCH, replace(SEARCH, facets=facets), HOME):
        plain = answered(engine, request)
        grouped = answered(engine, replace(request, group_by="variant"))
        assert (plain.group_by, plain.group_count) == ("", None)
        assert grouped.match_count == plain.match_count
        assert grouped.facets == plain.facets
        groups = {*map(group_of(engine), matching_ids(engine, request))}
        assert (grouped.group_by, grouped.group_count) == ("variant", len(groups))


def test_members_that_fail_the_filter_or_are_hidden_are_neither_shown_nor_counted(
    opened: Opened,
) -> None:
    engine = opened()
    shown = results(engine, replace(HOME, group_by="variant"))
    target = next(one for one in shown if one.variant_count >= 2)
    hidden = target.variant_ids[0]
    rules = f'[[hide]]\nname = "no"\nitems = ["{hidden}"]\n'
    without = results(opened(rules=rules), replace(HOME, group_by="variant"))
    same = next(one for one in without if one.item_id == target.item_id)
    assert same.variant_count == target.variant_count - 1
    assert hidden not in same.variant_ids
    size = next(item.attributes["size"] for item in shelf.items() if item.item_id == target.item_id)
    narrow = Filter(attributes=(AttributeCondition("size", (size,)),))
    allowed = {item.item_id for item in shelf.items() if item.attributes.get("size") == size}
    for one in results(engine, replace(HOME, group_by="variant", filter=narrow)):
        assert {one.item_id, *one.variant_ids} <= allowed


def test_a_pinned_item_stands_for_its_group(opened: Opened) -> None:
    engine = opened()
    group, gone = group_of(engine), out_of_stock(1)
    order = ids(results(engine, HOME))
    pinned = next(i for i in order[100:] if i in gone and isinstance(group(i), int))
    other = next(i for i in order if group(i) == group(pinned) and i != pinned)
    rules = (
        f'[[pin]]\nname = "one"\nitem = "{pinned}"\nposition = 2\n'
        f'[[pin]]\nname = "two"\nitem = "{other}"\nposition = 4\n'
    )
    grouped = ids(results(opened(rules=rules), replace(HOME, page_size=4, group_by="variant")))
    assert grouped[1] == pinned
    expected = brute_force(order, set(order), gone, group)
    rest = [i for i, _ in expected if group(i) != group(pinned)]
    assert grouped == [rest[0], pinned, *rest[1:]]


def test_what_changes_between_two_pages_shows_no_group_twice_and_skips_none(opened: Opened) -> None:
    engine = opened()
    group = group_of(engine)
    draw = np.random.default_rng(5)
    items = {item.item_id: item for item in shelf.items()}

    def change_stock() -> None:
        some = draw.choice([*items], 40, replace=False)
        engine.update_items([replace(items[i], in_stock=bool(draw.random() < 0.5)) for i in some])

    for request in (HOME, replace(HOME, sort_by=SortOrder.PRICE_LOW), SEARCH):
        request = replace(request, group_by="variant", page_size=7)
        shown = [group(i) for i in ids(results(engine, request, change_stock))]
        whole = {group(i) for i in ids(results(engine, replace(request, group_by="none")))}
        assert len(shown) == len(set(shown))
        assert set(shown) == whole


def test_a_group_whose_leader_is_deleted_is_shown_by_another_member(opened: Opened) -> None:
    engine = opened()
    group = group_of(engine)
    first = answered(engine, replace(HOME, group_by="variant", page_size=5))
    everything = results(engine, replace(HOME, group_by="variant", page_size=100))
    doomed = next(one for one in everything[5:] if one.variant_count)
    engine.delete_items([doomed.item_id])
    request = replace(
        HOME, group_by="variant", offset=first.next_offset or 0, order_key=first.order_key
    )
    later = [group(i) for i in ids(results(engine, request))]
    assert later.count(group(doomed.item_id)) == 1


def test_the_policy_of_a_surface_groups_unless_the_request_says_otherwise(opened: Opened) -> None:
    engine = opened(rules='[policy.surface.search]\ngroup_by = "variant"\n')
    assert answered(engine, SEARCH).group_by == "variant"
    assert answered(engine, replace(SEARCH, sort_by=SortOrder.PRICE_LOW)).group_by == "variant"
    assert answered(engine, replace(SEARCH, group_by="none")).group_by == ""
    assert answered(engine, replace(SEARCH, group_by="size")).group_by == "size"
    assert answered(engine, HOME).group_by == ""
    assert ids(results(engine, SEARCH)) == ids(results(engine, replace(SEARCH, group_by="variant")))


def test_caps_of_the_policy_hold_among_groups(opened: Opened) -> None:
    engine = opened(rules="[policy]\nbrand_cap = 1\n")
    page = answered(engine, replace(HOME, group_by="variant", page_size=4)).results
    assert len({result.brand for result in page}) == 4


def test_a_policy_that_groups_by_what_the_bundle_lacks_is_told_and_not_applied(
    opened: Opened,
) -> None:
    engine = opened(rules='[policy]\ngroup_by = "parent_sku"\n')
    answer = answered(engine, HOME)
    assert answer.missing == ("group_by",)
    assert ids([*answer.results]) == ids(
        [*answered(engine, replace(HOME, group_by="none")).results]
    )


def test_the_attribute_that_a_policy_lacks_is_told_when_the_file_is_read_and_in_the_status(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    fault = (
        "policy.surface.home, group_by: expected one of variant, none, size (did you mean size?),"
        " received 'sizes'"
    )
    engine = opened(rules='[policy.surface.home]\ngroup_by = "sizes"\n')
    assert caplog.messages == [f"rules of version '1': {fault}"]
    assert engine.status().rules_error == fault
    # A live item may bring the attribute.
    engine.update_items([replace(shelf.items()[0], attributes={"sizes": "9"})])
    assert engine.status().rules_error == ""
    for text in ('group_by = "none"\nvariant_attribute = "size"', 'group_by = "variant"'):
        assert opened(rules=f"[policy]\n{text}\n").status().rules_error == ""
    engine = opened(rules='[policy.segment.returning]\nvariant_attribute = "variant"\n')
    assert engine.status().rules_error == (
        "policy.segment.returning, variant_attribute: expected one of size, received 'variant'"
    )
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("name", ["sizes", "Variant", "variant ", " ", "x" * 128])
def test_unknown_groups_are_refused_with_the_known_ones(opened: Opened, name: str) -> None:
    with pytest.raises(RequestError, match=r"^group_by: expected one of variant, none, size"):
        answered(opened(), replace(HOME, group_by=name))


@pytest.mark.parametrize("name", ["x" * 129, "a\nb", "\x00"])
def test_texts_that_no_attribute_may_have_are_refused(opened: Opened, name: str) -> None:
    with pytest.raises(
        RequestError, match="^group_by: expected (at most 128|no control) characters"
    ):
        answered(opened(), replace(SEARCH, group_by=name))


def test_an_older_bundle_answers_as_before_and_has_no_groups_of_variants(tmp_path: Path) -> None:
    engine = Engine.open(shelf.bundle_folder(), tmp_path, clock=lambda: END_TIME + 60.0)
    try:
        assert answered(engine, HOME).results
        assert answered(engine, replace(HOME, group_by="size")).group_by == "size"
        with pytest.raises(RequestError, match=r"^group_by: expected one of none, size"):
            answered(engine, replace(HOME, group_by="variant"))
        assert engine.status().variant_group_count == 0
    finally:
        engine.close()


def test_the_status_counts_groups_of_two_listed_items_or_more(opened: Opened) -> None:
    engine = opened()
    codes = groups_at_random(1)
    sizes = np.bincount(codes[codes >= 0])
    status = engine.status()
    assert status.variant_group_count == np.count_nonzero(sizes > 1)
    assert status.variant_item_count == sizes[sizes > 1].sum()


@pytest.mark.parametrize("explain", [False, True])
def test_groups_cross_the_wire_unchanged(opened: Opened, explain: bool) -> None:
    engine = opened()
    search = replace(SEARCH, group_by="variant", explain=explain, page_size=30)
    recommend = replace(HOME, group_by="size", explain=explain)
    assert read_search(write_search(search)) == search
    assert read_recommend(write_recommend(recommend)) == recommend
    for request, message, kind in (
        (search, write_search(search), discovery_pb2.SearchItemsResponse),
        (recommend, write_recommend(recommend), discovery_pb2.RecommendItemsResponse),
    ):
        answer = answered(engine, request)
        read = read_answer(kind.FromString(write_answer(answer, message)), message)
        assert (read.group_by, read.group_count) == (answer.group_by, answer.group_count)
        assert [(one.variant_count, one.variant_ids) for one in read.results] == [
            (one.variant_count, one.variant_ids) for one in answer.results
        ]
        assert any(one.variant_count for one in read.results)
