"""English glosses of Chinese words, against entries of the dictionary as they are printed."""

from __future__ import annotations

import pytest

from towers.training.languages.glosses import Gloss, Glosses


@pytest.fixture(scope="module")
def glosses() -> Glosses:
    return Glosses()


def texts(glosses: Glosses, word: str) -> list[str]:
    return [one.text for one in glosses.of(word)]


def test_senses_come_in_the_order_of_the_entry_without_remarks(glosses: Glosses) -> None:
    # 毯子 /blanket/CL:條|条[tiao2],張|张[zhang1],床[chuang2],面[mian4]/
    assert glosses.of("毯子") == (Gloss("blanket", 1.0),)
    # 耳機 耳机 /headphones/earphones/telephone receiver/
    assert texts(glosses, "耳机") == ["headphones", "earphones", "telephone receiver"]
    first, second, third = (one.weight for one in glosses.of("耳机"))
    assert first == 1.0 > second > third


def test_a_verb_counts_less_than_a_thing(glosses: Glosses) -> None:
    # 牽引 牵引 /to pull; to draw (a cart); to tow/
    assert texts(glosses, "牵引") == ["pull", "draw", "tow"]
    assert all(one.is_verb and one.weight < 0.9 for one in glosses.of("牵引"))


def test_a_compound_that_the_dictionary_lacks_is_what_ends_it(glosses: Glosses) -> None:
    assert "rope" in texts(glosses, "牵引绳")
    assert glosses.of("牵引绳")[0].is_of_head and not glosses.of("绳")[0].is_of_head
    # 箱子 /suitcase/chest/box/case/trunk/
    assert {"box", "suitcase"} <= set(texts(glosses, "拉杆箱"))


def test_what_it_cannot_read_has_no_glosses(glosses: Glosses) -> None:
    assert glosses.of("") == glosses.of("㍿㍿") == ()
