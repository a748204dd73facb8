"""From a request to a ranked shortlist.

litert_models    the exported models, run by LiteRT
feature_context  one request with its candidates, and what several features share
features         the one list of features that the reranker reads
ranker           encode, retrieve, compute features, score
calibration      the probability that a result is bought
"""
