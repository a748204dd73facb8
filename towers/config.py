"""The settings of a model, saved in its bundle."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from data.errors import ConfigError
from towers.settings import Range, changed

VISITOR_MINIMUM_LIMIT = 32
"""Distinct visitors that serving stores for each query."""


@dataclass(frozen=True)
class TextConfig:
    """How text becomes token numbers."""

    bucket_count: Annotated[int, Range(64, 16_777_216)] = 131_072
    item_slot_count: Annotated[int, Range(1, 1_024)] = 40
    query_slot_count: Annotated[int, Range(1, 1_024)] = 48


@dataclass(frozen=True)
class TowerConfig:
    """Shape of the query tower and the candidate tower.

    ``session_encoder`` is ``transformer``, ``gru`` or ``dnn``; ``head_count`` and ``layer_count``
    are the transformer's.
    """

    dim: Annotated[int, Range(2, 4_096)] = 64
    session_encoder: str = "transformer"
    event_slot_count: Annotated[int, Range(1, 1_000)] = 20
    history_slot_count: Annotated[int, Range(1, 10_000)] = 64
    head_count: Annotated[int, Range(1, 64)] = 2
    layer_count: Annotated[int, Range(0, 64)] = 1
    feedforward_dim: Annotated[int, Range(1, 65_536)] = 128
    dropout: Annotated[float, Range(0, 0.99)] = 0.1

    def __post_init__(self) -> None:
        if self.head_count > self.dim:
            raise ConfigError(
                f"towers.head_count: expected at most {self.dim} (dim), received {self.head_count}"
            )


@dataclass(frozen=True)
class RetrievalConfig:
    """How the two towers are trained.

    Up to ``full_softmax_item_limit`` items the softmax runs over the whole catalogue; beyond, over
    ``sampled_item_count`` sampled items and the batch's targets, corrected by logQ.
    ``item_dropout`` is the dropout rate of event item embeddings in the query tower. Training ends
    after ``epoch_limit`` epochs, or the epoch that reaches ``step_limit`` steps. The fine-tuning
    passes over all data of the release start at ``refresh_learning_share`` of the learning rate.
    """

    batch_size: Annotated[int, Range(1, 1_000_000)] = 512
    epoch_limit: Annotated[int, Range(1, 10_000)] = 8
    step_limit: Annotated[int, Range(1, 1_000_000_000)] = 20_000
    patience: Annotated[int, Range(0, 1_000)] = 1
    learning_rate: Annotated[float, Range(1e-08, 10)] = 0.002
    temperature: Annotated[float, Range(0.001, 10)] = 0.07
    full_softmax_item_limit: Annotated[int, Range(0, 1_000_000_000)] = 50_000
    sampled_item_count: Annotated[int, Range(1, 10_000_000)] = 8_192
    target_count: Annotated[int, Range(1, 1_000)] = 8
    browse_example_limit: Annotated[int, Range(0, 1_000_000_000)] = 1_000_000
    search_example_limit: Annotated[int, Range(0, 1_000_000_000)] = 150_000
    validation_example_limit: Annotated[int, Range(1, 1_000_000_000)] = 4_000
    id_dropout: Annotated[float, Range(0, 1)] = 0.1
    type_dropout: Annotated[float, Range(0, 1)] = 0.1
    item_dropout: Annotated[float, Range(0, 0.99)] = 0.0
    refresh_epoch_count: Annotated[int, Range(0, 1_000)] = 1
    refresh_learning_share: Annotated[float, Range(1e-06, 10)] = 0.3


@dataclass(frozen=True)
class SourcesConfig:
    """Most candidates of each source for one request."""

    learnt_count: Annotated[int, Range(1, 10_000)] = 100
    lexical_count: Annotated[int, Range(0, 10_000)] = 100
    semantic_count: Annotated[int, Range(0, 10_000)] = 50
    covisited_count: Annotated[int, Range(0, 10_000)] = 40
    neighbour_count: Annotated[int, Range(0, 10_000)] = 40
    bought_count: Annotated[int, Range(0, 10_000)] = 60
    popular_count: Annotated[int, Range(0, 10_000)] = 20


@dataclass(frozen=True)
class RerankConfig:
    """Shape and training of the deep & cross reranker.

    ``turned_share`` is the share of browse requests in training with a simulated intent shift:
    another visitor's events precede the visitor's own. The reranker is the mean of ``member_count``
    networks, of which the first has crosses, with kernels of ``cross_rank`` (0: full ones). Of
    ``seed_count`` rerankers, each from a seed of its own, the first is released; ``evaluate`` reports
    the spread over all. Where it is more than one, LambdaMART is trained as well, as a yardstick.
    """

    member_count: Annotated[int, Range(1, 64)] = 3
    cross_layer_count: Annotated[int, Range(0, 64)] = 2
    cross_rank: Annotated[int, Range(0, 65_536)] = 16
    hidden_dims: tuple[Annotated[int, Range(1, 65_536)], ...] = (64, 32)
    dropout: Annotated[float, Range(0, 0.99)] = 0.05
    request_limit: Annotated[int, Range(1, 1_000_000_000)] = 16_000
    turned_share: Annotated[float, Range(0, 1)] = 0.5
    batch_size: Annotated[int, Range(1, 1_000_000)] = 64
    epoch_limit: Annotated[int, Range(1, 10_000)] = 12
    patience: Annotated[int, Range(0, 1_000)] = 4
    learning_rate: Annotated[float, Range(1e-08, 10)] = 0.002
    seed_count: Annotated[int, Range(1, 100)] = 1


@dataclass(frozen=True)
class EncoderConfig:
    """The large text encoder that reads the items in training, where it is installed.

    A catalogue of more than ``item_limit`` items is not read, since it takes several milliseconds a
    title; 0 switches the encoder off.
    """

    item_limit: Annotated[int, Range(0, 1_000_000_000)] = 1_000_000


@dataclass(frozen=True)
class ImagesConfig:
    """The encoder of the items' pictures, trained where ``picture_minimum`` items have one.

    ``encoder`` is the path of a ``.tflite`` network of the shop's own, used as it is in place of one
    trained here. Its float32 input is ``(level - mean) / deviation`` of each channel's level, 0 to 1; a
    network with a uint8 or int8 input takes the levels as they are.

    A picture is read at ``size`` pixels squared, or at the sides that the file of the shop's own network
    tells. ``network_count`` networks are trained, each without pictures of its own, and averaged; each
    until ``epoch_limit`` epochs or ``step_limit`` steps of ``batch_size`` pictures. 0 as ``epoch_limit``
    leaves pictures out. Beside the networks, Fisher vectors of ``visual_word_count`` Gaussians, or fewer
    for few pictures, tell the classes; 0: none.
    """

    encoder: str = ""
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    picture_minimum: Annotated[int, Range(1, 1_000_000_000)] = 16
    size: Annotated[int, Range(16, 512)] = 96
    dim: Annotated[int, Range(8, 4_096)] = 128
    network_count: Annotated[int, Range(1, 16)] = 2
    batch_size: Annotated[int, Range(4, 4_096)] = 64
    epoch_limit: Annotated[int, Range(0, 10_000)] = 100
    step_limit: Annotated[int, Range(1, 1_000_000_000)] = 5_500
    learning_rate: Annotated[float, Range(1e-08, 10)] = 0.003
    visual_word_count: Annotated[int, Range(0, 1_024)] = 256

    def __post_init__(self) -> None:
        for name, levels in (("mean", self.mean), ("deviation", self.deviation)):
            if len(levels) != 3 or (name == "deviation" and min(levels) <= 0):
                raise ConfigError(
                    f"images.{name}: expected 3 numbers, one a channel"
                    f"{', above 0' if name == 'deviation' else ''}, received {list(levels)}"
                )


@dataclass(frozen=True)
class AudioConfig:
    """The encoder of the items' sounds, trained where ``sound_minimum`` items have one.

    ``encoder`` is the path of a ``.tflite`` network of the shop's own, used as it is in place of one
    trained here. Its float32 input is a waveform, ``[samples]`` or ``[1, samples]`` at ``sample_rate``,
    read in pieces of the length that the file tells, or else whole; or levels as
    ``towers.audio.log_mel`` makes them, ``[1, frames, bands, 1]``.

    Of a sound ``seconds`` in its middle are read; a shorter one is repeated. ``network_count`` networks
    are trained, as of pictures, each until ``epoch_limit`` epochs or ``step_limit`` steps of
    ``batch_size`` sounds. 0 as ``epoch_limit`` leaves sounds out.
    """

    encoder: str = ""
    sample_rate: Annotated[int, Range(4_000, 192_000)] = 16_000
    sound_minimum: Annotated[int, Range(1, 1_000_000_000)] = 16
    seconds: Annotated[float, Range(0.5, 60)] = 10.0
    dim: Annotated[int, Range(8, 4_096)] = 128
    network_count: Annotated[int, Range(1, 16)] = 1
    batch_size: Annotated[int, Range(4, 4_096)] = 64
    epoch_limit: Annotated[int, Range(0, 10_000)] = 100
    step_limit: Annotated[int, Range(1, 1_000_000_000)] = 3_000
    learning_rate: Annotated[float, Range(1e-08, 10)] = 0.003


@dataclass(frozen=True)
class AttributesConfig:
    """Whether items get the values that were predicted for them (``nextclick prepare --predicted``)."""

    use_predicted: bool = False


@dataclass(frozen=True)
class VariantsConfig:
    """The attribute whose equal values make items variants; empty: groups are learnt."""

    group_by: str = ""


@dataclass(frozen=True)
class DemandConfig:
    """The forecast of demand in the bundle, which rules on stock and promotions read.

    It is the mean of the next ``horizon_days``, 0 for none, of the ``item_limit`` most bought items.
    """

    horizon_days: Annotated[int, Range(0, 60)] = 0
    item_limit: Annotated[int, Range(1, 100_000)] = 500


@dataclass(frozen=True)
class CompletionConfig:
    """Suggestions while typing.

    A query that fewer than ``visitor_minimum`` distinct visitors have typed is never shown to
    others: 1 to ``VISITOR_MINIMUM_LIMIT``. Of the log's queries the ``query_limit`` most popular
    are kept.
    """

    visitor_minimum: int = 5
    query_limit: Annotated[int, Range(0, 1_000_000_000)] = 100_000

    def __post_init__(self) -> None:
        if not 1 <= self.visitor_minimum <= VISITOR_MINIMUM_LIMIT:
            raise ConfigError(
                f"completion.visitor_minimum: expected 1 to {VISITOR_MINIMUM_LIMIT},"
                f" received {self.visitor_minimum}"
            )


@dataclass(frozen=True)
class IndexConfig:
    """ScaNN settings; under ``exact_item_limit`` items every item is scored."""

    exact_item_limit: Annotated[int, Range(0, 1_000_000_000)] = 5_000
    recall_target: Annotated[float, Range(0, 1)] = 0.98
    neighbours_checked: Annotated[int, Range(1, 10_000)] = 100


@dataclass(frozen=True)
class Config:
    """All settings of one model.

    With ``learn_test_part`` training includes the test part of the log: for going live, or for an
    evaluation on sessions after the log.
    """

    seed: Annotated[int, Range(0, 2_147_483_647)] = 7
    learn_test_part: bool = False
    text: TextConfig = field(default_factory=TextConfig)
    towers: TowerConfig = field(default_factory=TowerConfig)
    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)
    sources: SourcesConfig = field(default_factory=SourcesConfig)
    rerank: RerankConfig = field(default_factory=RerankConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    images: ImagesConfig = field(default_factory=ImagesConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    attributes: AttributesConfig = field(default_factory=AttributesConfig)
    variants: VariantsConfig = field(default_factory=VariantsConfig)
    demand: DemandConfig = field(default_factory=DemandConfig)
    completion: CompletionConfig = field(default_factory=CompletionConfig)
    index: IndexConfig = field(default_factory=IndexConfig)


def default_config(*, has_words: bool, has_log: bool = True) -> Config:
    """The default settings for a kind of data set.

    Words without a log: large embeddings, since the towers learn mainly word meaning, and a simple
    session encoder. A log of bare ids: wider towers with more dropout, to avoid memorising sessions,
    and a small token table.
    """
    if has_words and not has_log:
        return Config(
            towers=TowerConfig(dim=256, session_encoder="dnn"),
            retrieval=RetrievalConfig(
                epoch_limit=5,
                learning_rate=0.001,
                patience=3,
                temperature=0.05,
                sampled_item_count=2_048,
            ),
            sources=SourcesConfig(learnt_count=150, lexical_count=200, semantic_count=100),
            rerank=RerankConfig(request_limit=5_000, epoch_limit=8),
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
        ConfigError: The file is not TOML, or holds an unknown key or a value of another type or
            out of its range; file and key are named.
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
    try:
        return config_from(tree, defaults)
    except ConfigError as error:
        raise ConfigError(f"{path.name}, {error}") from error


def config_from(tree: Mapping[str, Any], defaults: Config | None = None) -> Config:
    """The config that a nested mapping describes; what it leaves out keeps its default.

    Raises:
        ConfigError: A key is unknown, or a value is of another type or out of its range.
    """
    return changed(defaults or Config(), tree)
