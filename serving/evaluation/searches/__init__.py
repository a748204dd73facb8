"""Evaluation of searches.

query_evaluation  searches with known relevant items, as typed and misspelt
query_check       a shop's own queries, and what must be in their first results
check_file        the file of such checks
title_words       searches by single words of titles, and what the first results hold of them
"""
