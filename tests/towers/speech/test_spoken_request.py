"""The part of a spoken sentence that names what is wanted."""

from __future__ import annotations

import pytest

from towers.speech.spoken_request import requested


@pytest.mark.parametrize(
    ("sentence", "request_"),
    [
        ("Can I get a medium mocha with skim milk?", "medium mocha with skim milk"),
        ("I'd like a single shot latte, please.", "single shot latte"),
        ("I’d like to order some almond milk", "almond milk"),
        ("Um, hi, could you show me the red running shoes?", "red running shoes"),
        ("Do you have a wireless keyboard", "wireless keyboard"),
        ("I'm looking for a 2 by 4 of cedar. Thank you!", "2 by 4 of cedar"),
        ("Give me a sixteen ounce coffee with a lot of cream", "16 ounce coffee with cream"),
        ("a twenty-five pound bag of rice", "25 pound bag of rice"),
        ("Brew a medium roast with a little bit of sugar and some soy milk",)
        + ("medium roast with sugar and soy milk",),
        ("espresso", "espresso"),
        # A frame with nothing in it is what was said.
        ("Can I get a", "Can I get a"),
        ("Some like it hot", "like it hot"),
        ("lots of love greeting card", "love greeting card"),
        ("I want candy", "candy"),
        ("two shots", "two shots"),
        ("你好，我想要一个蓝牙耳机，谢谢。", "蓝牙耳机"),
        ("请给我来一杯拿铁咖啡", "拿铁咖啡"),
        ("有没有小米手机吗？", "小米手机"),
        ("請給我來一個藍牙耳機", "蓝牙耳机"),
        ("手机", "手机"),
    ],
)
def test_the_frame_of_a_request_is_left_out(sentence: str, request_: str) -> None:
    assert requested(sentence) == request_
