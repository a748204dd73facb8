"""What the candidate tower reads of an item, as token numbers."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from data.records import Item
from towers.config import TextConfig
from towers.text.pinyin import romanised_brand
from towers.text.tokens import PADDING, token
from towers.text.word_forms import item_words
from towers.text.words import stem

_PRICE_STEPS_PER_DOUBLING = 2


def item_tokens(item: Item, config: TextConfig) -> np.ndarray:
    """The candidate tower's input for an item: its fields and words as token numbers.

    Category path, brand and price step come first, then the distinct words of title, category, brand
    and attributes (but the number in stock), up to the slot limit.

    Returns:
        ``[config.item_slot_count] int32``, padded with ``PADDING``.
    """
    slots = np.full(config.item_slot_count, PADDING, np.int32)
    numbers = token_numbers(item, config)
    slots[: len(numbers)] = numbers
    return slots


def token_numbers(item: Item, config: TextConfig) -> list[int]:
    """The same without padding, at most ``config.item_slot_count`` numbers."""
    buckets = config.bucket_count
    numbers = list(path_tokens(item.category, buckets))
    if item.brand:
        numbers.append(token("b:" + item.brand, buckets))
    step = price_step(item.price)
    if step is not None:
        numbers.append(token(f"p:{step}", buckets))
    numbers += _text_tokens(item.title, buckets)
    numbers += _path_words(item.category, buckets)
    numbers += _text_tokens(item.brand, buckets)
    numbers += [token("w:" + stem(name), buckets) for name in romanised_brand(item)]
    for text in item.worded_attributes.values():
        numbers += _text_tokens(text, buckets)
    return list(dict.fromkeys(numbers))[: config.item_slot_count]


def price_step(price: float | None) -> int | None:
    """The step of a price on the scale that the tower reads; None without a positive price.

    By the price as float32, as the catalogue holds it, so that its column tells the step of an item.

    Raises:
        OverflowError: The price is infinite.
    """
    stored = 0.0 if price is None else float(np.float32(price))
    return round(math.log2(stored) * _PRICE_STEPS_PER_DOUBLING) if stored > 0 else None


def name_numbers(name: str, buckets: int) -> tuple[int, ...]:
    """The words of a name as token numbers, in order, repetitions included."""
    return _text_tokens(name, buckets)


@lru_cache(maxsize=100_000)
def path_tokens(path: tuple[str, ...], buckets: int) -> tuple[int, ...]:
    """The token of a category path and of each path above it, the broadest first."""
    return tuple(
        token("c:" + " > ".join(path[:depth]), buckets) for depth in range(1, len(path) + 1)
    )


@lru_cache(maxsize=100_000)
def _path_words(path: tuple[str, ...], buckets: int) -> tuple[int, ...]:
    return tuple(number for name in reversed(path) for number in _text_tokens(name, buckets))


@lru_cache(maxsize=200_000)
def _text_tokens(text: str, buckets: int) -> tuple[int, ...]:
    return tuple(token("w:" + stem(word), buckets) for word in item_words(text).words)
