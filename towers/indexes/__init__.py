"""Indexes: items by embedding, items by words, texts by prefix.

result_cache        results kept in bounded memory
working_copy        a folder of an index's own
tantivy_index       stems by field in tantivy
document_frequency  how many items have a stem now
lexical_index       items by their words, and how queries are read by them
item_index          items by embedding (ScaNN)
prefix_index        texts by the beginnings of their words
"""
