"""From a request to a page of results: retrieval and ranking, query rules, facets.

rank_request_builders  the ranker's request of a search, built from its query's conditions and a session
live_catalog           items added, changed or deleted since the bundle was built
active_bundle          a loaded bundle with the events and item changes that came after it
facets                 facet counts over the match set
probabilities          of a purchase and of other actions, for each result of a page
results                the rows of a page as results
reasons                why an item is shown, in a sentence for the shopper
explained_results      the results of a page with the events and features that moved them
rules                  query rules and their conditions: synonym, redirect, pin, boost, bury, hide
rule_file              the rules file, reloaded when it changes
merchandising          applies hidings, pins, boosts and burials to a ranking
rule_effects           which rules changed an answer
answer_page            the page of an answer, of the order as of now or of a kept one
pipeline               from a rank request to an answer and its impression
"""
