"""Training as it is, but for the words of the other language and for the large text encoder.

Of the words a few hundred are embedded, not seventy thousand, which takes longer than all else that a
small shop's training does. That they are translated well is for
tests/towers/training/test_translations.py and, of a whole language, tests/serving/test_two_languages.py.
The encoder is off unless the settings ask for it: it is for tests/towers/training/test_text_vectors.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from data.synthetic import END_TIME
from data.tables import Tables


class Silence:
    """Progress that nobody looks at."""

    def start(self, stage: str, total: int | None = None) -> Callable[..., None]:
        return lambda *steps, **notes: None


@contextmanager
def few_foreign_words() -> Iterator[None]:
    """Training in this process embeds a few hundred words of the other language."""
    from towers.training.languages import translations

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translations, "_ENGLISH_COUNT", 200)
        patch.setattr(translations, "_CHINESE_COUNT", 200)
        yield


def train_quickly(tables: Tables, out: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Trains a bundle into ``out`` with the settings that are given; returns its metrics."""
    from towers.config import config_from
    from towers.training.train import train

    with few_foreign_words():
        config = config_from({"encoder": {"item_limit": 0}, **settings})
        return train(tables, out, config, created_time=END_TIME, stages=Silence())
