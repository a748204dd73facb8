"""Sentences of the placements for the shopper, in English and Chinese."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from towers.text.writing.folding import has_chinese


class Saying(Enum):
    """What a placement says of an item, in English and in Chinese; ``{}`` is filled in."""

    BOUGHT_BEFORE_IT = "because you bought {}", "因为您买过{}"
    BOUGHT_KIND_BEFORE_IT = "because you bought from {}", "因为您买过{}类商品"
    DUE_AGAIN = "you bought it {} days ago, and may need it again", "您{}天前买过，可能又需要了"
    REPLACES = "instead of {}, which did not suit you", "可替换不合您意的{}"
    ON_OFFER = "on offer: {}", "优惠中：{}"
    PERCENT_OFF = "on offer: {} % off", "优惠中：立减{}%"
    AMOUNT_OFF = "on offer: {} off", "优惠中：立减{}"
    ANY_OFFER = "on offer now", "正在优惠"
    REDUCED = "reduced from {}", "原价{}，现已降价"


class Sentence(NamedTuple):
    """A sentence in either language, and what is filled in."""

    saying: Saying
    filling: str = ""

    def about(self, title: str) -> str:
        """In Chinese for an item with a Chinese title, else in English."""
        english, chinese = self.saying.value
        return (chinese if has_chinese(title) else english).format(self.filling)
