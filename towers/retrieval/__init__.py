"""Candidate retrieval: sources behind one interface, their union and fusion.

hashed_sums    sums by integer key in compiled loops
sparse_scores  sparse scores by item row
rank_request   a request, and its encoding for the models
allowed_items  the items that an answer may show (masks of filters: `catalog/items`)
bounded_map    a bounded mapping of the newest entries
popularity     exponentially decayed counts (what counts: `sources/popular`)
source         the interface of a candidate source
sources/       the sources, one file each
union          the union of the sources' lists
query_reader   which words of a query are conditions or names of the catalogue
source_list    the list of all sources: add a source here
candidates     the union of their candidates
fusion         rank and score fusion by a fixed rule
"""
