"""Head queries: what titles are of, worked out by hand; and who holds the words."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from data.records import Item
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.datasets.head_nouns import title_words
from towers.datasets.head_queries import KINDS, HeadQuery, head_queries, query_stems, with_slip
from towers.datasets.title_precision import WordHolders, title_precision
from towers.text.words import words


def catalog_of(*items: Item) -> Catalog:
    return Catalog.of(items, TextConfig())


def titled(*titles: str, brand: str = "", category: tuple[str, ...] = ()) -> list[Item]:
    return [
        Item(f"{title}-{n}", title, brand=brand, category=category)
        for n, title in enumerate(titles)
    ]


def kettles() -> list[Item]:
    return titled(
        "Norwell K100 electric kettle white 1.7 l",
        "Norwell steel kettle, matt",
        "Norwell kettles (set of 2)",
        "Travel kettle for campers",
        "Norwell K300 glass kettle with thermometer",
        brand="Norwell",
    )


@pytest.mark.parametrize(
    "title",
    [
        "{}",
        "Oak {}",
        "Oak {}, two drawers",
        "Oak {} (old)",
        "Oak {} for children",
        "Oak {} 80 x 120 cm",
        "Zed X-90 oak {} black",
        "Oak {} - restored",
    ],
)
def test_a_head_noun_is_the_last_content_word_of_a_phrase(title: str) -> None:
    forms = ["table", "table", "tables", "table", "table"]
    found = title_words(catalog_of(*titled(*(title.format(form) for form in forms))))
    assert "table" in found.types
    assert {"oak", "black", "zed", "children"}.isdisjoint(found.types)


def test_what_stands_behind_a_preposition_is_not_what_the_item_is() -> None:
    titles = ["cover for phone and tablet", "covers for phones and tablets"] * 3
    assert title_words(catalog_of(*titled(*titles))).types == ("cover",)


def test_an_inch_is_not_a_preposition() -> None:
    titles = ["Zed 4 in. brass hinge", "Zed 5 in. brass hinges"] * 3
    assert title_words(catalog_of(*titled(*titles))).types == ("hinge",)


def test_four_titles_are_too_few() -> None:
    titles = ["oak table", "ash table", "elm table", "fir tables"]
    assert title_words(catalog_of(*titled(*titles))).types == ()
    assert title_words(catalog_of(*titled(*titles, "yew table"))).types == ("table",)


def test_nouns_of_two_forms_come_before_words_that_could_be_names() -> None:
    names = [
        f"lamp Lumora, {place}" for place in ("attic", "porch", "cellar", "shed", "hall", "loft")
    ]
    titles = ["oak table", "ash table", "elm table", "fir tables", "yew table"]
    found = title_words(catalog_of(*titled(*names, *titles)))
    assert found.types == ("table", "lumora")


def test_the_commonest_ending_form_stands_for_its_stem() -> None:
    titles = ["wired headphones"] * 4 + ["open headphone"]
    assert title_words(catalog_of(*titled(*titles))).types == ("headphones",)


def test_chinese_titles_end_with_what_the_item_is() -> None:
    titles = [
        "轻薄笔记本电脑",
        "玫红色折叠雨伞",
        "家用雨伞（大号）",
        "小熊雨伞 3把",
        "晴雨两用雨伞",
        "儿童雨伞",
    ]
    found = title_words(catalog_of(*titled(*titles)))
    assert found.types == ("雨伞",)


def test_words_that_open_titles_stand_for_brands_where_there_are_none() -> None:
    titles = [f"Norwell {thing}" for thing in ("kettle", "toaster", "mixer", "grill", "juicer")]
    queries = head_queries(catalog_of(*titled(*titles)))
    assert [query.text for query in queries if query.kind == "brand"] == ["norwell"]
    branded = head_queries(catalog_of(*titled(*titles, brand="Norwell Home")))
    assert [query.text for query in branded if query.kind == "brand"] == ["norwell home"]


def test_every_kind_of_query_is_made_and_each_has_holders() -> None:
    items = kettles()
    in_category = [replace(item, category=("Kitchen", "Water boilers")) for item in items]
    catalog = catalog_of(*in_category, Item("x", "Unrelated rug"))
    queries = head_queries(catalog, seed=5)
    by_kind = {kind: [query for query in queries if query.kind == kind] for kind in KINDS}
    assert [query.text for query in by_kind["type"]] == ["kettle"]
    assert [query.text for query in by_kind["category"]] == ["water boilers"]
    assert [query.text for query in by_kind["brand"]] == ["norwell"]
    assert [query.text for query in by_kind["brand_type"]] == ["norwell kettle"]
    (slip,) = by_kind["slip"]
    assert slip.text != "kettle" and slip.stems == by_kind["type"][0].stems
    holders = WordHolders(catalog)
    for query in queries:
        assert holders.mask(query).tolist() == [True] * 5 + [False]


def test_a_limit_holds_for_each_kind_and_the_seed_decides_the_slips() -> None:
    nouns = ("table", "chair", "bench", "lamp", "mirror", "carpet")
    titles = [
        f"{wood} {noun}{'s' * (wood == 'fir')}"
        for noun in nouns
        for wood in ("oak", "ash", "elm", "fir", "yew")
    ]
    catalog = catalog_of(*titled(*titles))
    queries = head_queries(catalog, limit=2)
    assert all(sum(query.kind == kind for query in queries) <= 2 for kind in KINDS)
    assert head_queries(catalog, seed=3) == head_queries(catalog, seed=3)
    assert head_queries(catalog, seed=3) != head_queries(catalog, seed=4)


def test_a_slip_is_no_other_word_of_the_titles() -> None:
    titles = ["oak chair", "ash chairs", "elm chair", "fir chair", "yew chair", "hair chain chairy"]
    known = {word for title in titles for word in words(title)}
    for seed in range(60):
        slips = [
            q for q in head_queries(catalog_of(*titled(*titles)), seed=seed) if q.kind == "slip"
        ]
        assert all(known.isdisjoint(words(slip.text)) for slip in slips)


def test_a_slip_changes_the_word_and_may_change_its_first_letter() -> None:
    slips = [with_slip("kettle", random.Random(seed)) for seed in range(100)]
    assert "kettle" not in slips
    assert {slip[0] == "k" for slip in slips} == {True, False}


def test_a_catalogue_without_texts_has_no_head_queries() -> None:
    assert head_queries(catalog_of(*(Item(str(n)) for n in range(9)))) == []


@pytest.mark.parametrize(
    ("text", "stems"),
    [
        ("Headphones", ("headphon",)),
        ("home and garden", ("home", "garden")),
        ("家电 数码", ("家电", "数码")),
        ("小米 TV", ("小米", "tv")),
        ("and", ()),
    ],
)
def test_stems_of_a_query(text: str, stems: tuple[str, ...]) -> None:
    assert query_stems(text) == stems


def test_holders_have_the_word_by_stem_by_category_or_as_two_words() -> None:
    catalog = catalog_of(
        Item("plural", "Wired headphones"),
        Item("singular", "Wired headphone"),
        Item("apart", "Wired head phones"),
        Item("category", "Wired B-12", category=("Audio", "Headphones")),
        Item("head", "Head of a phone"),
        Item("brand", "Wired", brand="Headphones"),
        Item("gone", "Headphones"),
    )
    catalog.remove("gone")
    holders = WordHolders(catalog)
    wanted = [True, True, True, True, False, False, False]
    assert (
        holders.mask(HeadQuery("type", "headphones", "headphones", ("headphon",))).tolist()
        == wanted
    )
    with_brand = holders.mask(HeadQuery("brand", "headphones", "headphones", ("headphon",)))
    assert with_brand.tolist() == [True] * 4 + [False, True, False]


def test_a_chinese_word_is_held_by_every_name_that_contains_it() -> None:
    catalog = catalog_of(
        Item("a", "智能手机壳"), Item("b", "充电器", category=("手机",)), Item("c", "手推机")
    )
    mask = WordHolders(catalog).mask(HeadQuery("type", "手机", "手机", ("手机",)))
    assert mask.tolist() == [True, True, False]


def test_title_precision_is_of_what_the_catalogue_could_give() -> None:
    holders = np.zeros(40, bool)
    holders[[3, 5, 8, 20]] = True
    assert title_precision(np.array([3, 1, 5, 2, 9, 10, 11, 12, 13, 14, 8]), holders) == 2 / 4
    assert title_precision(np.array([3, 5, 8, 20]), holders) == 1.0
    holders[:30] = True
    assert title_precision(np.arange(25, 40), holders) == 5 / 10
    assert title_precision(np.zeros(0, np.int64), holders) == 0.0


def test_a_query_that_no_item_holds_has_no_title_precision() -> None:
    with pytest.raises(ValueError, match="^holders: expected one item or more, received none"):
        title_precision(np.arange(10), np.zeros(20, bool))


def test_what_an_item_is_differs_from_what_it_goes_with() -> None:
    catalog = catalog_of(
        Item("camera", "Zed X-90 compact camera black"),
        Item("plural", "Security cameras, set of two"),
        Item("case", "Camera case for compact cameras"),
        Item("lens", "Zed 11 camera lens 50 mm"),
        Item("category", "Zed X-90", category=("Photo", "Digital cameras")),
        Item("beside", "Zed X-91", category=("Camera parts",)),
        Item("gone", "Camera"),
    )
    catalog.remove("gone")
    holders = WordHolders(catalog)
    camera = HeadQuery("type", "camera", "camera", ("camera",))
    assert holders.mask(camera).tolist() == [True] * 6 + [False]
    assert holders.head_mask(camera).tolist() == [True, True, False, False, True, False, False]
    assert not holders.head_mask(
        HeadQuery("type", "zed camera", "zed camera", ("zed", "camera"))
    ).any()


def test_what_a_chinese_item_is_ends_its_title() -> None:
    catalog = catalog_of(Item("a", "白色折叠雨伞"), Item("b", "雨伞收纳架"), Item("c", "雨伞 红色"))
    mask = WordHolders(catalog).head_mask(HeadQuery("type", "雨伞", "雨伞", ("雨伞",)))
    assert mask.tolist() == [True, False, True]
