"""A bundle: one folder with all that serving needs, in formats that cannot carry code.

The serving half is what ``load_bundle`` reads. ``training/`` holds the candidate tower's tables,
which only training and batch embedding read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import BundleError
from data.predicted.predictions import Predictions
from towers.actions.action_model import ActionModel
from towers.after_sales.after_sales import AfterSales
from towers.bundle.layout import Layout
from towers.bundle.manifest import Manifest, verify
from towers.bundle.model_metadata import ModelMetadata, read_facts
from towers.catalog.items import Catalog
from towers.config import Config, config_from
from towers.indexes.prefix_index import PrefixIndex
from towers.modalities.item_pictures import ItemPictures
from towers.modalities.item_vectors import ContentVectors, ItemVectors
from towers.modalities.modality_list import MODALITIES, PICTURE, Modality
from towers.offers.offer_book import OfferBook
from towers.offers.offer_model import OfferModel
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.litert_models import ItemEncoder, LiteModel, QueryEncoder, Reranker
from towers.ranking.ranker import Ranker
from towers.read_only import read_only
from towers.retrieval.candidates import Sources
from towers.retrieval.rank_request import EncodedRequest
from towers.search_box.completion import Completion
from towers.sessions.segments import Segment, Segments
from towers.stock.stock_cover import StockCover
from towers.uncollected import uncollected
from towers.variants.group_report import group_report
from towers.variants.variant_groups import VariantGroups

RERANK_BATCH_SIZE = 128
"""Candidates that the exported reranker scores in one call."""

_SEARCHED_NAME = "searched.json"

FORBIDDEN_SUFFIXES = (".pkl", ".pickle", ".joblib", ".h5", ".keras", ".pb2", ".so", ".py")


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle.

    Args:
        ranker: Both stages; without a reranker where there was not enough training data.
        item_encoder: For items added while serving.
        completion: Suggestions while typing.
        feature_means: ``[features] float32`` over the training lists.
        segments: Tells visitors' segments, by the prices that the catalogue had when it was loaded.
        offers: Coupons, promotions and services; empty where the shop has none.
        after_sales: What follows a purchase; nothing in a bundle made before it was measured.
        released_prices: ``[rows] float32``, read-only: prices when it was loaded, NaN where unknown.
        offer_model: None where too little was redeemed to learn from.
        action_model: Probabilities of clicks, carts and more; None where the log holds too few.
        modalities: The items' pictures and sounds, by modality; without those that no item had.
        predictions: Values that its items get where they have none.
        variants: Groups of variants; None in a bundle made before they were found.
        stock_cover: For how many days the stock of items lasts; None without a forecast of demand.

    Attributes:
        catalog: The items of the bundle.
    """

    path: Path
    manifest: Manifest
    config: Config
    facts: ModelMetadata
    ranker: Ranker
    item_encoder: ItemEncoder
    completion: Completion
    feature_means: np.ndarray
    segments: Segments
    offers: OfferBook
    released_prices: np.ndarray
    after_sales: AfterSales
    offer_model: OfferModel | None = None
    action_model: ActionModel | None = None
    modalities: Mapping[str, ItemVectors[Any]] = field(default_factory=dict)
    predictions: Predictions = field(default_factory=Predictions)
    variants: VariantGroups | None = None
    stock_cover: StockCover | None = None
    catalog: Catalog = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # On the path of every request, which asks two dozen times.
        object.__setattr__(self, "catalog", self.ranker.sources.catalog)

    @property
    def pictures(self) -> ItemPictures | None:
        """For search by picture; None where no item had a picture that was read."""
        found = self.modalities.get(PICTURE.name)
        return found if isinstance(found, ItemPictures) else None

    @property
    def score_weight(self) -> float:
        """By how much a score more raises the logit of the purchase probability; 1 where none was
        learnt."""
        calibration = self.facts.calibration
        return 1.0 if calibration is None else calibration.weights[0]

    def segment_of(self, encoded: EncodedRequest) -> Segment:
        """The segment of the visitor of a request."""
        session, summary = encoded.rank_request.session, encoded.summary
        return self.segments.segment(session, summary, self.catalog)


def load_bundle(folder: Path, manifest: Manifest | None = None) -> Bundle:
    """Verifies a bundle, then loads its serving half.

    Args:
        manifest: What ``verify`` said of the folder a moment ago; None: it is verified here.

    Raises:
        BundleError: It is damaged, incomplete, of another version, or holds a file that could
            carry code.
    """
    layout = Layout(folder)
    manifest = verify(folder) if manifest is None else manifest
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in FORBIDDEN_SUFFIXES:
            raise BundleError(f"{path.name}: expected no format that can carry code in a bundle")
    try:
        # Sources are loaded in two threads, and NumPy parses the headers of files with ``ast``. In Python
        # 3.11 that fails now and then if a finaliser lets threads change in the middle of it (cpython
        # issue 106905): without garbage collection there is none.
        with uncollected():
            return _load(layout, manifest)
    except BundleError:
        raise
    except Exception as error:  # A bundle with any fault must not be served.
        raise BundleError(f"{folder.name}: expected loadable parts, received: {error}") from error


def _load(layout: Layout, manifest: Manifest) -> Bundle:
    config = config_from(json.loads((layout / "config.json").read_text(encoding="utf-8")))
    facts = read_facts(layout)
    if facts.feature_names != FEATURE_NAMES:
        unlike = sorted(set(facts.feature_names) ^ set(FEATURE_NAMES))
        raise BundleError(
            f"model.json, feature_names: expected the features of this version,"
            f" received others: {', '.join(unlike) or 'another order'}"
        )
    catalog = Catalog.load(layout.catalog, config.text)
    sources = Sources.load(layout.sources, catalog, config.sources)
    reranker_path = layout / "reranker.tflite"
    reranker = Reranker(LiteModel.load(reranker_path)) if reranker_path.exists() else None
    ranker = Ranker(
        sources,
        QueryEncoder(LiteModel.load(layout / "query_tower.tflite")),
        reranker,
        config=config,
        known_types=frozenset(facts.known_types),
    )
    book, offer_model = _load_offers(layout, catalog)
    return Bundle(
        layout.folder,
        manifest,
        config,
        facts,
        ranker,
        ItemEncoder(LiteModel.load(layout / "candidate_tower.tflite")),
        _load_completion(layout, sources, config),
        np.array(facts.feature_means, np.float32),
        Segments.of(catalog),
        book,
        read_only(catalog.price.copy()),
        AfterSales.load(layout.after_sales) if layout.after_sales.is_dir() else AfterSales.none(),
        offer_model,
        ActionModel.load(layout.folder),
        load_modalities(layout, config, catalog.count),
        Predictions.load(layout.folder),
        VariantGroups.load(layout.variants, catalog) if layout.variants.is_dir() else None,
        StockCover.load(layout.demand),
    )


def load_modalities(layout: Layout, config: Config, item_count: int) -> dict[str, ItemVectors[Any]]:
    """The encoders, and the items' pictures and sounds as read by them; without what is not there."""
    found: dict[str, ItemVectors[Any]] = {}
    for modality in MODALITIES:
        folder = layout / modality.folder
        if folder.is_dir():
            encoder = modality.encoder.load(layout.folder, modality.settings(config))
            found[modality.name] = modality.item_vectors.load(folder, encoder, item_count)
    return found


def write_modality(
    layout: Layout, modality: Modality, encoder_file: bytes, vectors: ItemVectors[Any]
) -> None:
    """Writes an encoder, and the items' pictures or sounds as read by it."""
    (layout / modality.encoder.file_name).write_bytes(encoder_file)
    folder = layout / modality.folder
    folder.mkdir()
    vectors.save(folder)


def _load_offers(layout: Layout, catalog: Catalog) -> tuple[OfferBook, OfferModel | None]:
    if not layout.offers.is_dir():
        return OfferBook(catalog), None
    return OfferBook.load(layout.offers, catalog), OfferModel.load(layout.offers)


def write_offers(layout: Layout, book: OfferBook, model: OfferModel | None) -> None:
    """Writes the offers, and their model where there is one."""
    layout.offers.mkdir()
    book.save(layout.offers)
    if model is not None:
        model.save(layout.offers)


def write_variants(
    layout: Layout,
    catalog: Catalog,
    embeddings: np.ndarray,
    config: Config,
    pictures: ContentVectors | None,
) -> dict[str, Any]:
    """Finds and writes the variant groups of a catalogue; their counts, as by ``group_report``.

    Args:
        pictures: Of the items that have one; None where none has.

    Raises:
        ConfigError: The settings group by an attribute that no item has.
    """
    groups = VariantGroups.of(catalog, embeddings, config.variants, pictures)
    layout.variants.mkdir()
    groups.save(layout.variants)
    return group_report(groups, catalog)


def write_after_sales(layout: Layout, after_sales: AfterSales) -> None:
    """Writes what follows a purchase."""
    layout.after_sales.mkdir()
    after_sales.save(layout.after_sales)


def _load_completion(layout: Layout, sources: Sources, config: Config) -> Completion:
    searched = json.loads((layout.completion / _SEARCHED_NAME).read_text(encoding="utf-8"))
    minimum = config.completion.visitor_minimum
    titles = PrefixIndex.load(layout.completion)
    return Completion(sources, titles, searched, visitor_minimum=minimum)


def write_completion(layout: Layout, catalog: Catalog, searched: Mapping[str, float]) -> None:
    """Writes the prefix index of titles, and popular queries with their weights."""
    layout.completion.mkdir()
    PrefixIndex.of(catalog.titles).save(layout.completion)
    text = json.dumps(dict(searched), ensure_ascii=False)
    (layout.completion / _SEARCHED_NAME).write_text(text, encoding="utf-8")


def write_sources(layout: Layout, sources: Sources) -> None:
    """Writes the catalogue and every source."""
    layout.catalog.mkdir()
    sources.catalog.save(layout.catalog)
    sources.save(layout.sources)
