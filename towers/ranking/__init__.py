"""Ranking: from a request to a ranked shortlist, with explanations and probabilities.

litert_models    the exported models, run by LiteRT
exact_codes      items whose id or product code is in the query
adjustments      rule-based score adjustments: negative feedback, surges, exact codes
field_matches    words of the query in the title, category and brand of each candidate
feature_context  shared inputs of the features of one request
shortlist        the ranked shortlist of one request: model scores, adjustments, boosts
features         the features of the reranker
ranker           the ranking pipeline: encode, retrieve, compute features, score
explanations     attribution of the model's score to events and features
calibration      from model scores to purchase probabilities
"""
