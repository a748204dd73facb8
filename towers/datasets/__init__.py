"""What the models learn from.

synthetic_queries   queries made from the catalogue
item_similarity     which items are of one kind
synthetic_sessions  sessions made from the catalogue
examples            examples of the two towers
stages              who is told how far training is
dataset             a shop's tables in memory
example_mix         how logged, judged and synthetic examples are mixed
ranking_lists       the lists that the reranker learns from
"""
