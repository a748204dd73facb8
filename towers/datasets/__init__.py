"""Training data of the models: logged, judged and synthetic.

synthetic_queries   queries generated from the catalogue
head_nouns          the words of titles that say what an item is
head_queries        queries that many items answer: types, categories, brands, typos
title_precision     the share of results that hold the words of such a query
item_similarity     similar items by their catalogue data
synthetic_sessions  sessions generated from the catalogue
replayed_log        a log as item rows, sessions and targets
examples            training examples of the two towers
progress            the protocol that progress is reported by
dataset             the tables in memory
example_mix         the mix of logged, judged and synthetic examples
pseudo_judgments    graded relevance for queries made of the catalogue
ranking_lists       the training lists of the reranker
"""
