"""From a request, with the shop's rules, to a page of results.

rank_requests  requests and sessions to the ranker's requests
live_catalog   items that came, changed or went since the bundle was made
active_bundle  a bundle that answers, brought up to what has happened since
match_set      all items that a request matches, and orders other than relevance
facets         how often each brand, category, price or other fact is among them
paging         one page of an answer
probabilities  the purchase probability of each result
results        the items of a page as results
explanations   what moved each result
rules          query rules: synonyms, redirects, pins, boosts, burials, hidings
rule_file      the rules file, read again when it has changed
merchandising  what rules do to an answer: hidings, pins, boosts
rule_effects   which of them changed it
pipeline       from a rank request to an answer
"""
