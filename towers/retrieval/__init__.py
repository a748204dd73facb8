"""Candidate sources behind one seam, and one order out of several lists.

sparse_scores    scores of a few rows among millions
rank_request     one request, as asked and as encoded
allowed_items    which items an answer may show, decided here alone
bounded_memory   the newest entries by key, in bounded memory
popularity       decayed counts of items
source           what a candidate source is
sources/         the sources, one file each
source_list      the one list of them: add a source here
candidates       the union of what they find
fusion           one order out of several lists by a fixed rule
"""
