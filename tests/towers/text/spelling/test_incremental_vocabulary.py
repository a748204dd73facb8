"""Incrementally added words are looked up as in one vocabulary, at low insertion cost."""

from __future__ import annotations

import pytest

from towers.text.query_rewriter import QueryRewriter
from towers.text.spelling import incremental_vocabulary as module
from towers.text.spelling.incremental_vocabulary import IncrementalVocabulary
from towers.text.spelling.vocabulary import Vocabulary

# No more than are all compared in full, so that the best of the parts are those of the whole.
WORDS = ("trampoline", "tram", "line", "windbreaker", "window", "light", "lightbox", "bulb")
WORDS += ("notebook", "notebooks", "lake", "手机")


@pytest.mark.parametrize("order", [WORDS, WORDS[::-1]])
@pytest.mark.parametrize("batch", [1, 5, 12])
def test_words_taken_in_bit_by_bit_are_looked_up_as_those_of_one_vocabulary(
    order: tuple[str, ...], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LEAST_COUNT", 1)
    live, whole = IncrementalVocabulary(), Vocabulary(dict.fromkeys(WORDS, 1))
    for at in range(0, len(order), batch):
        # What is known already changes nothing.
        live.take_in([*order[at : at + batch], order[0]])
    assert len(live._levels) > 1 or batch > 1
    assert set(live.counts) == set(WORDS)
    for word in ("tramploine", "windw", "lihgt", "notbook", "linke", "lightbulb", "tramline", "手"):
        assert sorted(live.nearby(word)) == sorted(whole.nearby(word))
        assert sorted(live.distant(word)) == sorted(whole.distant(word))
        assert live.parts(word) == whole.parts(word)
        assert live.prefix_corrections(word) == whole.prefix_corrections(word)
        for end in range(1, len(word)):
            assert live.completions(word[:end]) == whole.completions(word[:end])


def test_a_vocabulary_that_took_nothing_in_knows_nothing() -> None:
    live = IncrementalVocabulary()
    live.take_in([])
    assert live.counts == {} and live.nearby("ligth") == live.completions("l") == []
    assert live.distant("trampolien") == []
    assert live.parts("lightbulb") is None and live.prefix_corrections("ligth") == []


def test_many_words_one_by_one_rebuild_each_only_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rebuilt = []

    def counted(vocabulary: Vocabulary, counts: dict[str, int]) -> None:
        rebuilt.append(len(counts))
        vocabulary.counts = counts

    monkeypatch.setattr(Vocabulary, "__init__", counted)
    rewriter = QueryRewriter({}, lambda stem: 0, lambda stem: 0.0)
    rewriter.take_in([f"old{number}" for number in range(100_000)])
    for number in range(5_000):
        rewriter.take_in([f"new{number}"])
    # As one vocabulary it were 5,000 times 100,000 words. What is small is rebuilt, and no more.
    assert sum(rebuilt) < 100_000 + 5_000 * 1_500
    assert sorted(rebuilt)[-2] < 10_000
    assert "new0" in rewriter.corrector and "old99999" in rewriter.corrector
