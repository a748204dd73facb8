"""What a picture or sound tells of its item: category, brand, attributes filled often, title words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from data.records import Item
from towers.models.images.image_network import UNKNOWN, ImageTargets
from towers.text.words import words

_FILLED_SHARE = 0.2
"""Of the items with pictures: an attribute that fewer of them have is not learnt."""
_LEAST_PER_CLASS = 2
_LEAST_MEAN = 4.0
"""Pictures a class on average: an attribute of mostly different values, like a number, tells nothing."""
_LABEL_LIMIT = 16
_WORD_SLOT_COUNT = 12
_WORD_LIMIT = 20_000


def image_targets(items: Sequence[Item]) -> ImageTargets:
    """The labels and title words of items, in their order.

    A class needs two pictures; a label needs two classes.
    """
    labels: dict[str, list[str]] = {
        "category": [item.category[-1] if item.category else "" for item in items]
    }
    labels["broad category"] = [
        item.category[0] if len(item.category) > 1 else "" for item in items
    ]
    labels["brand"] = [item.brand for item in items]
    filled = Counter(name for item in items for name, value in item.attributes.items() if value)
    for name, count in filled.most_common(_LABEL_LIMIT):
        if count >= _FILLED_SHARE * len(items):
            labels[f"attribute {name}"] = [item.attributes.get(name, "") for item in items]
    class_counts: dict[str, int] = {}
    classes: dict[str, np.ndarray] = {}
    for name, values in labels.items():
        counts = Counter(value for value in values if value)
        names = sorted(value for value, count in counts.items() if count >= _LEAST_PER_CLASS)
        if len(names) < 2 or sum(counts[one] for one in names) < _LEAST_MEAN * len(counts):
            continue
        number_of = {value: number for number, value in enumerate(names)}
        class_counts[name] = len(names)
        classes[name] = np.array([number_of.get(value, UNKNOWN) for value in values], np.int32)
    return ImageTargets(class_counts, classes, *_title_words(items))


def _title_words(items: Sequence[Item]) -> tuple[np.ndarray, int]:
    """``[items, slots] int32`` words that several titles have, by number from 1; and their count."""
    titles = [list(dict.fromkeys(words(item.title)))[:_WORD_SLOT_COUNT] for item in items]
    counts = Counter(word for title in titles for word in title)
    common = [word for word, count in counts.most_common(_WORD_LIMIT) if count >= _LEAST_PER_CLASS]
    number_of = {word: number for number, word in enumerate(common, start=1)}
    numbers = np.zeros((len(items), _WORD_SLOT_COUNT), np.int32)
    for row, title in enumerate(titles):
        known = [number_of[word] for word in title if word in number_of]
        numbers[row, : len(known)] = known
    return numbers, len(common) + 1
