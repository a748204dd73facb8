"""The list of candidate sources, which training, retrieval, features, bundles and updates go through.

A new source is a file in ``sources/`` and an entry here.
"""

from __future__ import annotations

from towers.retrieval.source import Source
from towers.retrieval.sources.cooccurrence import Cooccurrence
from towers.retrieval.sources.learnt import Learnt
from towers.retrieval.sources.lexical import Lexical
from towers.retrieval.sources.popular import Popular
from towers.retrieval.sources.repurchase import Repurchase
from towers.retrieval.sources.semantic import Semantic
from towers.retrieval.sources.session_knn import SessionKnn

SOURCE_TYPES: tuple[type[Source], ...] = (
    Learnt,
    Lexical,
    Semantic,
    Cooccurrence,
    SessionKnn,
    Repurchase,
    Popular,
)
"""The sources, in the order of the columns of ``Candidates.ranks`` and of the reranker's features."""
