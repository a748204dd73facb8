"""Words of a review stand in for the stars that its writer did not give."""

from __future__ import annotations

from dataclasses import fields

import pytest

from data.records import Event, EventType
from towers.sessions.feedback import feedback, remembered
from towers.sessions.query_input import BAD_REVIEW_TYPE, GOOD_REVIEW_TYPE, type_code
from towers.sessions.session import Session
from towers.text.sentiment import READ_CHARACTERS, implied_rating


def review(text: str, rating: float | None = None, time: float = 0.0) -> Event:
    return Event(f"r{time}", EventType.REVIEW, "v", time, "a", rating=rating, text=text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Works great, very happy with it", 1),
        ("Not bad at all, I like it", 1),
        ("Broke after two days. Terrible quality, returned it.", -1),
        ("Waste of money", -1),
        ("Excellent screen but the case is awful and it broke, I regret buying it", -1),
        ("It is okay, nothing special", 0),
        ("手机很好用，屏幕清晰，非常满意", 1),
        ("性价比很高，推荐购买", 1),
        ("质量太差了，用了两天就坏了，退货", -1),
        ("垃圾手机，千万别买", -1),
        ("不喜欢", -1),
        ("还可以，中规中矩", 0),
        ("", 0),
    ],
)
def test_words_without_stars_tell_good_reviews_from_bad_ones(text: str, expected: int) -> None:
    assert feedback(remembered(review(text))) == expected
    codes = {1: GOOD_REVIEW_TYPE, -1: BAD_REVIEW_TYPE, 0: EventType.REVIEW}
    assert type_code(remembered(review(text))) == codes[expected]


def test_stars_win_over_words() -> None:
    assert remembered(review("Terrible, broke at once", 5.0)).rating == 5.0
    assert remembered(review("Perfect, I love it", 1.0)).rating == 1.0


def test_a_chinese_word_that_is_denied_counts_the_other_way() -> None:
    assert implied_rating("很满意") > 3.5 > 2.5 > implied_rating("不满意")
    assert implied_rating("差劲") < 2.5 < 3.5 < implied_rating("不差劲")


def test_only_the_beginning_of_a_long_review_is_read() -> None:
    start = "fine " * (READ_CHARACTERS // 5)
    assert implied_rating(start + "terrible awful broken junk") == implied_rating(start)


def test_a_session_holds_what_a_review_says_but_none_of_its_words() -> None:
    words = "Terrible quality. " * 400
    session = Session.empty("v").after(review(words, time=1.0))
    (held,) = session.events
    assert held.rating is not None and held.rating <= 2.0
    assert set(session.disliked) == {"a"}
    texts = [getattr(held, one.name) for one in fields(Event) if one.type == "str"]
    assert sum(map(len, texts)) < 20


def test_the_words_of_other_events_are_dropped_and_say_nothing() -> None:
    view = Event("e", EventType.VIEW, "v", 0.0, "a", text="horrible")
    assert remembered(view) == Event("e", EventType.VIEW, "v", 0.0, "a")
