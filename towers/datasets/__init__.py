"""What the models learn from.

synthetic_queries   queries made from the catalogue
item_similarity     which items are of one kind
synthetic_sessions  sessions made from the catalogue
examples            examples of the two towers
dataset             a shop's tables in memory, and its mix of examples
ranking_lists       the lists that the reranker learns from
"""
