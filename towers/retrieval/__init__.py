"""Candidate sources, and one order out of several lists.

sparse_scores  scores of a few rows among millions
rank_request   one request, as asked and as encoded
allowed_items  which items an answer may show
popularity     how much each item is in demand now: a fold over everybody's events
repurchase     which items people buy again
cooccurrence   items that turn up in the same sessions
session_knn    what past sessions like this one went on to hold
candidates     the sources side by side
fusion         one order out of several lists by a fixed rule
"""
