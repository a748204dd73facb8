"""Segmentation of Chinese text."""

from __future__ import annotations

from pathlib import Path

from data.records import Item
from towers.indexes.lexical_index import LexicalIndex
from towers.text.words import words
from towers.text.writing import chinese


def test_a_run_is_cut_into_the_words_a_reader_sees() -> None:
    found = words("智能手机壳")
    assert {"智能", "手机", "智能手机", "壳"} <= set(found)
    assert not {"机壳", "智", "能", "手", "机"} & set(found)


def test_full_width_letters_and_han_beside_latin_are_told_apart() -> None:
    assert words("ＬＥＤ灯")[0] == "led"
    assert "灯" in words("ＬＥＤ灯")


def test_chinese_queries_find_their_items_first(tmp_path: Path) -> None:
    titles = [
        "不锈钢保温杯 500毫升",
        "儿童自行车 16英寸",
        "无线蓝牙耳机",
        "纯棉床单四件套",
        "电动牙刷",
    ]
    titles += ["陶瓷咖啡杯", "折叠自行车 20英寸", "有线耳机"]
    index = LexicalIndex.build([Item(str(n), title) for n, title in enumerate(titles)], tmp_path)
    relevant = {"保温杯": 0, "儿童单车自行车": 1, "蓝牙耳机": 2, "床单": 3, "牙刷": 4, "咖啡杯": 5}
    relevant |= {"20英寸自行车": 6, "有线耳机": 7, "500ml 杯": 0}
    assert {text: int(index.search(index.parse(text), 3)[0][0]) for text in relevant} == relevant


def test_characters_that_the_dictionary_leaves_single_are_one_word() -> None:
    assert words("觅橘沙发") == ["觅橘", "沙发"]
    assert words("椅") == ["椅"]


def test_a_traditional_title_has_the_words_of_a_simplified_one() -> None:
    assert words("無線藍牙耳機") == words("无线蓝牙耳机")


def test_after_the_warm_up_the_dictionary_is_there() -> None:
    chinese._cutter.cache_clear()
    chinese.warm_up()
    assert chinese._cutter.cache_info().currsize == 1
