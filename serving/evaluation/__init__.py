"""Offline evaluation, run through the same engine that serves.

metrics           ranking metrics
trec              queries, judgments and runs in TREC formats
feature_parity    features recomputed from the log, to compare with those logged live
intent_shift      share of the next page in a new category after a visitor changes intent
stage_latency     latency of each stage of an answer
index_recall      recall of the vector index against exact search
filter_check      random filters, checked against a scan of every item
system_rankings   rankings of several systems for the same requests
searches/         judged and synthetic queries, a shop's own checks, words of titles
cross_sell        complements of the items in a basket
promotion         what comes into the basket of what is on offer
after_sales       what is bought in the days after a purchase
as_served         the whole evaluation of a bundle on its tables
file_evaluation   evaluation on a file of queries or sessions
"""
