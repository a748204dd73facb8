"""Which items an answer lists, in which order, and which of them stand on one page.

match_set        all items that a request matches, and sort orders other than relevance
relevance        which results of a search are relevant, and which are only related
further_results  results after the shortlist: other matching items, then the nearest of all others
grouping         groups of results, each shown once
grouped_results  results after the shortlist with each group once
page             one page of rows and scores
kept_orders      the order of an answer, kept for the pages that follow it, in bounded memory
kept_pages       one page of a kept order
order_source     what follows a kept order, by its own way of sorting
"""
