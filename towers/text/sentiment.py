"""Sentiment of reviews without a rating, as stars.

English by VADER (Hutto and Gilbert 2014) with additional words of e-commerce; Chinese by a short word
list on the same scale. No model is downloaded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

READ_CHARACTERS = 1_000
"""Only the beginning of a review is read."""

_STAR = 0.35
"""Sentiment (−1 to 1) per star above or below the middle."""
_MIDDLE = 3.0
_NORMAL = 15.0
"""VADER's normalisation: a sum of valences ``x`` becomes ``x / sqrt(x² + 15)``."""

_SHOPPING_WORDS: Mapping[str, float] = {
    **dict.fromkeys(("broke", "broken", "breaks", "defective", "faulty", "flimsy"), -2.0),
    **dict.fromkeys(("refund", "refunded", "returned", "returning", "overpriced"), -1.5),
    **dict.fromkeys(("overheats", "leaks", "leaked", "scratched", "unusable", "junk"), -1.8),
    **dict.fromkeys(("sturdy", "durable", "comfy", "flawless", "flawlessly"), 1.9),
}
_CHINESE_LINES = """
2.0 好用 好看 喜欢 满意 推荐 清晰 流畅 划算 实惠 精致 舒服 耐用 方便 漂亮 值得
2.0 不错 挺好 很好 性价比高 性价比很高 给力 结实 靠谱 正品 赞 棒
3.0 完美 超值 惊喜 优秀 很棒 太棒 好评 极好 非常好 爱不释手 物美价廉
-2.0 卡顿 发热 发烫 掉漆 异味 粗糙 难看 难用 刺鼻 褪色 破损 瑕疵 太贵 漏水
-2.5 坏了 碎了 坏掉 太差 很差 差劲 失望 后悔 退货 退款 差评 恶劣 不值 不能用
-3.0 垃圾 骗子 假货 骗人 千万别买 不要买 别买 太烂 很烂 极差
"""
_CHINESE_WORDS = {
    word: float(value)
    for value, *words in map(str.split, _CHINESE_LINES.strip().splitlines())
    for word in words
}
_NEGATIONS = ("不", "没", "没有", "不太", "不是", "并不", "不够", "不怎么", "没那么", "没有那么")
_CHINESE = re.compile("[\u3400-\u9fff]")
# Longest match first: 性价比很高 before 很高.
_CHINESE_WORD = re.compile("|".join(sorted(_CHINESE_WORDS, key=len, reverse=True)))


def implied_rating(text: str) -> float:
    """Stars, 1 to 5, implied by the text of a review; 3 where it is neutral."""
    return _MIDDLE + min(2.0, max(-2.0, sentiment(text) / _STAR))


def sentiment(text: str) -> float:
    """Sentiment of a text, −1 (negative) to 1 (positive)."""
    text = text[:READ_CHARACTERS]
    if _CHINESE.search(text):
        return _chinese(text)
    return float(_english().polarity_scores(text)["compound"])


def _chinese(text: str) -> float:
    total = 0.0
    for found in _CHINESE_WORD.finditer(text):
        is_negated = text[: found.start()].endswith(_NEGATIONS)
        total += _CHINESE_WORDS[found[0]] * (-0.75 if is_negated else 1.0)
    return total / math.sqrt(total * total + _NORMAL)


@cache
def _english() -> Any:
    # Imported on first use: it reads a lexicon of 7,500 lines.
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon.update(_SHOPPING_WORDS)
    return analyzer
