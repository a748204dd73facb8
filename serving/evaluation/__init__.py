"""Offline evaluation, run through the same engine that serves.

metrics           ranking metrics
trec              queries, judgments and runs in TREC formats
feature_parity    features recomputed from the log, to compare with those logged live
intent_shift      share of the next page in a new category after a visitor changes intent
stage_latency     latency of each stage of an answer
index_recall      recall of the vector index against exact search
filter_check      random filters, checked against a scan of every item
system_rankings   rankings of several systems for the same requests
query_evaluation  searches with known relevant items, as typed and misspelt
query_check       a shop's own queries, and what must be in their first results
check_file        the file of such checks
title_words       searches by single words of titles, and what the first results hold of them
cross_sell        complements of the items in a basket
as_served         the whole evaluation of a bundle on its tables
file_evaluation   evaluation on a file of queries or sessions
"""
