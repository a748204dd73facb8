"""Indexes: items by embedding (ScaNN), items by words (tantivy), texts by prefix.

result_cache              an LRU cache of results, bounded in bytes
private_copy              a private copy of an index folder, in memory where there is room
inverted/                 the inverted index of stems beneath lexical search (tantivy)
lexical_index             lexical search of items; holds the query parser of `text/query_rewriter`
vector_search             vector search by ScaNN, and exact search
index_tuning              the cheapest search that reaches the recall target
inner_products            inner products with rows of vectors, in one thread
vector_overlay            vectors changed since an index was built
item_index                nearest items by embedding (ScaNN)
background_rebuild        rebuilds of vector indexes, off the request path
prefix_index              texts by prefixes of their words
incremental_prefix_index  texts of live changes by prefixes of their words
"""
