"""From a request to a ranked shortlist.

litert_models    the exported models, run by LiteRT
shortlist        the ranked shortlist of one request: model scores, adjustments, merchandising
exact_codes      items asked for by their own id or another code
adjustments      fixed rules that adjust scores, by name: negative feedback, surges, exact codes
feature_context  one request with its candidates, and what several features share
features         the one list of features that the reranker reads
ranker           encode, retrieve, compute features, score
explanations     what moved the model's score: events and features
calibration      the probability that a result is bought
"""
