"""The items as read by the large text encoder, where it is installed and knows their language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from towers.config import Config
from towers.datasets.dataset import Dataset
from towers.datasets.progress import Progress
from towers.indexes.item_index import ItemIndex
from towers.retrieval.source import TextVectors
from towers.retrieval.sources.semantic import text_keys
from towers.training.encoder.distillation import distil
from towers.training.encoder.text_encoder import TextEncoder, installed_encoder
from towers.training.languages.glosses import installed_glosses

_SAMPLE_COUNT = 500
_TUNING_COUNT = 200


@dataclass(frozen=True)
class TextReport:
    """What became of the large encoder.

    Args:
        state: ``used``, ``not installed``, ``off``, ``no words`` or ``another language``.
        item_count: Items that it has read.
        agreement: Mean cosine of the small encoder to the large one on held-out queries.
    """

    state: str
    item_count: int = 0
    agreement: float = 0.0

    @property
    def warnings(self) -> list[str]:
        """What the engineer can mend."""
        if self.state != "not installed":
            return []
        return [
            "the text encoder is not installed, so that searches know no more than the catalogue's own"
            " words: pip install 'nextclick[encoder]' and train again"
        ]


def text_vectors(
    dataset: Dataset, config: Config, stages: Progress
) -> tuple[TextVectors | None, TextReport]:
    """Encodes the items and distils the encoder of queries; None where that is not possible."""
    titles = [title for title in dataset.catalog.titles if title]
    if not config.encoder.item_limit:
        return None, TextReport("off")
    if not titles:
        return None, TextReport("no words")
    teacher = installed_encoder()
    if teacher is None:
        return None, TextReport("not installed")
    readable = _readable(teacher, titles[:: max(1, len(titles) // _SAMPLE_COUNT)])
    if readable is None:
        return None, TextReport("another language")
    count = len(dataset.items)
    if count > config.encoder.item_limit:
        return None, TextReport(f"over the limit of {config.encoder.item_limit:,} items")
    report = stages.start("reading the items with the text encoder", count)
    distilled = distil(
        teacher,
        dataset.items,
        dataset.catalog,
        seed=config.seed,
        progress=report,
        readable=readable,
    )
    rng = np.random.default_rng(config.seed)
    queries = distilled.items[rng.integers(0, count, min(count, _TUNING_COUNT))]
    index = ItemIndex.build(distilled.items, config.index, queries)
    vectors = TextVectors(index, distilled.encoder, text_keys(dataset.items))
    return vectors, TextReport("used", count, distilled.agreement)


def _readable(teacher: TextEncoder, sample: Sequence[str]) -> Callable[[str], str] | None:
    """How the large encoder reads these titles: as they are, or Chinese by its glosses; else None."""
    if teacher.reads(sample):
        return str
    glosses = installed_glosses()
    if glosses is None or not teacher.reads([*map(glosses.in_english, sample)]):
        return None
    return glosses.in_english
