"""Spellings, scripts, signs, numbers and codes, from the query to the items it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.records import Item
from towers.indexes.lexical_index import CODE_SCORE, LexicalIndex


def found(index: LexicalIndex, query: str, count: int = 10) -> list[str]:
    """Titles of the best items, best first."""
    rows, _ = index.search(index.parse(query), count)
    return [_TITLES[row] for row in rows.tolist()]


_TITLES = [
    "Crème caramel mix",
    "Creme soap for hands",
    "Köln city poster",
    "Koeln carnival hat",
    "Fön 1800 W",
    "Macy's gift card",
    "Macys shopping bag",
    "Полёт фигурка",
    "Ψωμί ολικής",
    "كِتَابٌ للأطفال",
    "ספר בישול",
    "電飯鍋 5升",
    "电饭锅 3升",
    "上市公司年报",
    "厨房用品收纳架",
    "デジタルカメラ 防水",
    "무선청소기 저소음",
    "กระเป๋าเดินทางสีแดง",
    "Learning C++ in a week",
    "Learning C# in a week",
    "Learning C in a week",
    "Learning .NET in a week",
    "Fishing net 3 m",
    "Vue.js in practice",
    "Saw HKS-300B",
    "Saw HKS-300C",
    "Seal 4410-02",
    "Seal 4410-07",
    "Drill bit 6,5 mm",
    "Drill bit 6 mm",
    "2,500 piece puzzle",
    "Bottle 0,75 l",
    "Winterstiefel Damen",
    "Winter Decke",
    "Stiefel Leder",
    "Gummistiefel",
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder: Path = tmp_path_factory.mktemp("folded")
    LexicalIndex.build([Item(f"i{n}", title) for n, title in enumerate(_TITLES)], folder)
    return LexicalIndex.load(folder)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("creme", ["Creme soap for hands", "Crème caramel mix"]),
        ("crème", ["Crème caramel mix", "Creme soap for hands"]),
        ("koeln", ["Koeln carnival hat", "Köln city poster"]),
        ("köln", ["Köln city poster", "Koeln carnival hat"]),
        ("koln", ["Köln city poster"]),
        ("foen", ["Fön 1800 W"]),
        ("macys", ["Macys shopping bag", "Macy's gift card"]),
        ("MACY’S", ["Macy's gift card", "Macys shopping bag"]),
        ("macy s gift", ["Macy's gift card"]),
        ("полет", ["Полёт фигурка"]),
        ("ΨΩΜΙ", ["Ψωμί ολικής"]),
        ("كتاب", ["كِتَابٌ للأطفال"]),
        ("סֵפֶר", ["ספר בישול"]),
        ("电饭锅", ["电饭锅 3升", "電飯鍋 5升"]),
        ("電飯鍋", ["電飯鍋 5升", "电饭锅 3升"]),
        ("カメラ", ["デジタルカメラ 防水"]),
        ("ｶﾒﾗ", ["デジタルカメラ 防水"]),
        ("청소기", ["무선청소기 저소음"]),
        ("กระเป๋า", ["กระเป๋าเดินทางสีแดง"]),
        ("c++", ["Learning C++ in a week"]),
        ("cpp", ["Learning C++ in a week"]),
        ("c#", ["Learning C# in a week"]),
        ("c", ["Learning C in a week"]),
        (".net", ["Learning .NET in a week"]),
        ("net", ["Fishing net 3 m"]),
        ("vuejs", ["Vue.js in practice"]),
        ("vue js", ["Vue.js in practice"]),
        ("hks300b", ["Saw HKS-300B"]),
        ("hks 300c", ["Saw HKS-300C", "Saw HKS-300B"]),
        ("4410", ["Seal 4410-02", "Seal 4410-07"]),
        ("441007", ["Seal 4410-07"]),
        ("6.5 mm bit", ["Drill bit 6,5 mm"]),
        ("6,5mm bit", ["Drill bit 6,5 mm"]),
        ("2500 puzzle", ["2,500 piece puzzle"]),
        ("0.75l", ["Bottle 0,75 l"]),
        ("winterstiefel", ["Winterstiefel Damen"]),
    ],
)
def test_every_way_to_write_a_word_finds_it_the_same_way_first(
    index: LexicalIndex, query: str, titles: list[str]
) -> None:
    assert found(index, query)[: len(titles)] == titles


def test_what_other_signs_make_is_another_word(index: LexicalIndex) -> None:
    for query in ("c++", "c#", "c", ".net"):
        assert len(found(index, query)) == 1
    assert found(index, "cpp") == ["Learning C++ in a week"]


def test_no_character_of_a_longer_chinese_word_is_matched(index: LexicalIndex) -> None:
    assert found(index, "床上用品") == ["厨房用品收纳架"]
    assert found(index, "锅") == ["电饭锅 3升", "電飯鍋 5升"] or set(found(index, "锅")) == {
        "电饭锅 3升",
        "電飯鍋 5升",
    }
    assert found(index, "年货") == found(index, "饭店") == []


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Item("1", "Kettle"), False),
        (Item("1", "Kettle", description="电水壶"), True),
        (Item("1", "Kettle", category=("厨房",)), True),
    ],
)
def test_whether_queries_will_be_chinese_is_known_from_every_text(
    tmp_path: Path, item: Item, expected: bool
) -> None:
    index = LexicalIndex.build([item], tmp_path)
    assert index.has_chinese == expected
    index.translate({"水壶": {"kettle": 1.0}})
    assert index.has_chinese


def test_a_wearer_is_found_inside_a_word(tmp_path: Path) -> None:
    items = [Item("1", "女士凉鞋"), Item("2", "男士凉鞋"), Item("3", "童装")]
    index = LexicalIndex.build(items, tmp_path)
    assert index.search(index.parse("男凉鞋"), 5)[0].tolist()[0] == 1
    assert index.matching_rows(index.parse("男凉鞋")).tolist() == [1]


def test_a_brand_is_found_in_pinyin(tmp_path: Path) -> None:
    items = [Item("1", "手机", brand="红米"), Item("2", "电视", brand="三星"), Item("3", "Case")]
    index = LexicalIndex.build(items, tmp_path)
    assert index.search(index.parse("hongmi"), 5)[0].tolist() == [0]
    # As an English word it would have another stem.
    assert index.search(index.parse("sanxing"), 5)[0].tolist() == [1]
    index.put([(3, Item("4", "冰箱", brand="海尔"))])
    assert index.search(index.parse("haier"), 5)[0].tolist() == [3]


def test_a_compound_is_found_by_its_head_behind_the_word_itself(index: LexicalIndex) -> None:
    titles = found(index, "stiefel")
    assert titles[0] == "Stiefel Leder"
    assert set(titles[1:]) == {"Winterstiefel Damen", "Gummistiefel"}


def test_a_preference_for_a_spelling_gives_up_no_word(tmp_path: Path) -> None:
    titles = ["Crème brûlée torch", "Creme torch", "Crème bowl", "Bowl"]
    index = LexicalIndex.build([Item(f"{n}", one) for n, one in enumerate(titles)], tmp_path)

    def rows(query: str) -> list[int]:
        return index.search(index.parse(query), 4)[0].tolist()

    assert rows("creme bowl")[0] == 2
    assert rows("crème torch")[:2] == [0, 1] and rows("creme torch")[:2] == [1, 0]


def test_parts_of_a_word_are_corrected_where_no_item_has_them_together(tmp_path: Path) -> None:
    items = [Item("1", "Tool set abc 77"), Item("2", "Lamp xyz")]
    index = LexicalIndex.build(items, tmp_path)
    assert index.parse("abc77").groups == {("abc", "77"): 0.8}
    assert index.parse("xyz77").groups == {}


@pytest.mark.parametrize("query", ["4006381333931", "04006381333931", "4 006381 333931"])
def test_a_bar_code_is_found_however_it_is_filled_up(tmp_path: Path, query: str) -> None:
    items = [Item("1", "Pen"), Item("2", "Paper", attributes={"gtin": "04006381333931"})]
    index = LexicalIndex.build(items, tmp_path)
    rows, scores = index.search(index.parse(query), 2)
    assert rows[0] == 1 and scores[0] >= CODE_SCORE


def test_a_live_item_is_found_in_every_spelling(tmp_path: Path) -> None:
    index = LexicalIndex.build([Item("1", "Torte")], tmp_path)
    index.put([(1, Item("2", "Éclair Müller Saw HKS-300B"))])
    for query in ("eclair", "mueller", "muller", "hks300b"):
        assert index.search(index.parse(query), 2)[0].tolist() == [1]
