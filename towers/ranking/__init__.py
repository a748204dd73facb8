"""Ranking: from a request to a ranked shortlist, with explanations and probabilities.

litert_models    the exported models, run by LiteRT
exact_codes      items whose id or product code is in the query
adjustments      rule-based score adjustments: negative feedback, surges, exact codes
candidate_records  what features read: a record per candidate, one of the request
word_matches     stems of the query anywhere in each candidate
field_matches    words of the query in the title, category and brand of each candidate
list_scores      sources, vectors and the fixed rule, raw and relative to the list
history_matches  what each candidate has in common with session and purchases
feature_context  a request with its candidates, as records
shortlist        the ranked shortlist of one request: model scores, adjustments, boosts
features         the features of the reranker
ranker           the ranking pipeline: encode, retrieve, compute features, score
explanations     attribution of the model's score to events and features
calibration      from model scores to purchase probabilities
"""
