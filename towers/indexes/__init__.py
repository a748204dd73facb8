"""Indexes: items by embedding, items by words, texts by prefix.

result_cache        results kept in bounded memory
working_copy        a folder of an index's own
document_frequency  how many items have a stem now
lexical_index       items by their words (tantivy)
item_index          items by embedding (ScaNN)
prefix_index        texts by the beginnings of their words
"""
