"""The one tree of settings of a model; it travels in the model's bundle."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from data.errors import ConfigError

T = TypeVar("T")

VISITOR_MINIMUM_LIMIT = 32
"""As many visitors of one query are told apart while serving."""


@dataclass(frozen=True)
class TextConfig:
    """How text becomes token numbers."""

    bucket_count: int = 131_072
    item_slot_count: int = 40
    query_slot_count: int = 48


@dataclass(frozen=True)
class TowerConfig:
    """Shape of the query tower and the candidate tower.

    ``session_encoder`` is ``transformer``, ``gru`` or ``dnn``; ``head_count`` and ``layer_count``
    are the transformer's.
    """

    dim: int = 64
    session_encoder: str = "transformer"
    event_slot_count: int = 20
    history_slot_count: int = 64
    head_count: int = 2
    layer_count: int = 1
    feedforward_dim: int = 128
    dropout: float = 0.1


@dataclass(frozen=True)
class RetrievalConfig:
    """How the two towers are trained.

    Up to ``full_softmax_item_limit`` items the softmax runs over the whole catalogue; beyond, over
    ``sampled_item_count`` sampled items and the batch's own, corrected by logQ.
    ``item_dropout`` is the share of an event's item embedding that a step hides from the query
    tower. Training ends after ``epoch_limit`` epochs, or the epoch that reaches ``step_limit``
    steps. The last passes, over all that the release may know, start at a
    ``refresh_learning_share`` of the learning rate.
    """

    batch_size: int = 512
    epoch_limit: int = 8
    step_limit: int = 20_000
    patience: int = 1
    learning_rate: float = 0.002
    temperature: float = 0.07
    full_softmax_item_limit: int = 50_000
    sampled_item_count: int = 8_192
    target_count: int = 8
    browse_example_limit: int = 1_000_000
    search_example_limit: int = 150_000
    validation_example_limit: int = 4_000
    id_dropout: float = 0.1
    type_dropout: float = 0.1
    item_dropout: float = 0.0
    refresh_epoch_count: int = 1
    refresh_learning_share: float = 0.3


@dataclass(frozen=True)
class SourcesConfig:
    """How many candidates each source may bring to one request."""

    learnt_count: int = 100
    lexical_count: int = 100
    covisited_count: int = 40
    neighbour_count: int = 40
    bought_count: int = 60
    popular_count: int = 20


@dataclass(frozen=True)
class RerankConfig:
    """Shape and training of the deep & cross reranker.

    ``turned_share`` of the browse requests it learns from are of shoppers whose need has just
    changed: they begin with what a stranger did.
    """

    cross_layer_count: int = 2
    hidden_dims: tuple[int, ...] = (64, 32)
    dropout: float = 0.05
    request_limit: int = 16_000
    turned_share: float = 0.25
    batch_size: int = 64
    epoch_limit: int = 12
    patience: int = 2
    learning_rate: float = 0.002


@dataclass(frozen=True)
class CompletionConfig:
    """What is suggested while somebody types.

    A query that fewer than ``visitor_minimum`` distinct visitors have typed is never shown to
    others: 1 to ``VISITOR_MINIMUM_LIMIT``. Of the log's, the ``query_limit`` most wanted are kept.
    """

    visitor_minimum: int = 5
    query_limit: int = 100_000

    def __post_init__(self) -> None:
        if not 1 <= self.visitor_minimum <= VISITOR_MINIMUM_LIMIT:
            raise ConfigError(
                f"completion.visitor_minimum: expected 1 to {VISITOR_MINIMUM_LIMIT},"
                f" received {self.visitor_minimum}"
            )


@dataclass(frozen=True)
class IndexConfig:
    """ScaNN settings; under ``exact_item_limit`` items every item is scored."""

    exact_item_limit: int = 5_000
    recall_target: float = 0.98
    neighbours_checked: int = 100


@dataclass(frozen=True)
class Config:
    """All settings of one model.

    With ``learn_test_part`` the release has seen the part of the log that is withheld for testing:
    best for going live, or for a check on sessions that come after the log.
    """

    seed: int = 7
    learn_test_part: bool = False
    text: TextConfig = field(default_factory=TextConfig)
    towers: TowerConfig = field(default_factory=TowerConfig)
    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)
    sources: SourcesConfig = field(default_factory=SourcesConfig)
    rerank: RerankConfig = field(default_factory=RerankConfig)
    completion: CompletionConfig = field(default_factory=CompletionConfig)
    index: IndexConfig = field(default_factory=IndexConfig)


def default_config(*, has_words: bool, has_log: bool = True) -> Config:
    """What a shop starts from.

    A catalogue without a log learns of sessions only what likeness tells: all room goes to what
    words mean.

    A catalogue of bare ids has only its sessions to learn from: wider towers, which hide more of
    what they read so as not to learn the sessions by heart, and hardly any room for words.
    """
    if has_words and not has_log:
        return Config(
            towers=TowerConfig(dim=256, session_encoder="dnn"),
            retrieval=RetrievalConfig(
                epoch_limit=6,
                learning_rate=0.001,
                patience=3,
                temperature=0.05,
                sampled_item_count=2_048,
            ),
            sources=SourcesConfig(learnt_count=200, lexical_count=200),
        )
    if has_words:
        return Config()
    return Config(
        text=TextConfig(bucket_count=1_024),
        towers=TowerConfig(dim=128, feedforward_dim=256, dropout=0.3),
        retrieval=RetrievalConfig(
            batch_size=1_024, learning_rate=0.003, step_limit=900, item_dropout=0.2
        ),
        sources=SourcesConfig(neighbour_count=80),
        rerank=RerankConfig(request_limit=30_000, turned_share=0.05),
    )


def read_config(path: Path | None, defaults: Config | None = None) -> Config:
    """Defaults, overridden by a TOML file.

    Raises:
        ConfigError: The file is not TOML, or holds an unknown key or a value of another type.
    """
    defaults = defaults or Config()
    if path is None:
        return defaults
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path.name}: expected a readable TOML file, received: {error}"
        ) from error
    return config_from(tree, defaults)


def config_from(tree: Mapping[str, Any], defaults: Config | None = None) -> Config:
    """The config that a nested mapping describes; what it leaves out keeps its default."""
    return _changed(defaults or Config(), tree, "")


def _changed(defaults: T, tree: Mapping[str, Any], place: str) -> T:
    hints = typing.get_type_hints(type(defaults))
    values: dict[str, Any] = {}
    for key, value in tree.items():
        if key not in hints:
            close = difflib.get_close_matches(key, hints, n=1)
            hint = f" (did you mean {place}{close[0]}?)" if close else ""
            raise ConfigError(
                f"{place}{key}: expected one of {', '.join(sorted(hints))}, received {key!r}{hint}"
            )
        values[key] = _converted(hints[key], value, f"{place}{key}", getattr(defaults, key))
    return dataclasses.replace(defaults, **values)  # type: ignore[type-var]


def _converted(hint: Any, value: Any, place: str, default: Any = None) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{place}: expected a table, received {value!r}")
        return _changed(default, value, f"{place}.")
    if isinstance(hint, types.GenericAlias) and typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{place}: expected a list, received {value!r}")
        return tuple(_converted(inner, part, place) for part in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{place}: expected {hint.__name__}, received {value!r}")
    return value
