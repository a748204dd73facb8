"""Metrics of the very engine that is served.

metrics           ranking metrics and their intervals
trec              queries, judgments and runs in the formats of TREC
feature_parity    features recomputed from the log, against those logged live
intent_shift      how much of the next page is of a new category
stage_latency     how long each stage of an answer takes
index_recall      how much of the exact answer the index finds
filter_check      random filters, and every item held against them one by one
system_rankings   the same requests put to several systems
query_evaluation  searches with known answers, as typed and misspelt
as_served         the whole evaluation of a bundle on its tables
file_evaluation   queries and sessions of a file put to an engine
"""
