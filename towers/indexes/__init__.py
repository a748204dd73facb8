"""Indexes: items by embedding (ScaNN), items by words (tantivy), texts by prefix.

result_cache              an LRU cache of results, bounded in bytes
private_copy              a private copy of an index folder, in memory where there is room
item_documents            what of an item is indexed
tantivy_index             inverted index of stems by field (tantivy)
document_frequency        document frequencies, exact where they are low
lexical_caches            caches of parsed queries and lexical results
lexical_index             lexical search of items; holds the query parser of `text/query_rewriter`
vector_search             vector search by ScaNN, and exact search
index_tuning              the cheapest search that reaches the recall target
vector_overlay            vectors changed since an index was built
item_index                nearest items by embedding (ScaNN)
background_rebuild        rebuilds of vector indexes, off the request path
prefix_index              texts by prefixes of their words
incremental_prefix_index  texts of live changes by prefixes of their words
"""
