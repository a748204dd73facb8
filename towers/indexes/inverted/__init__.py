"""The inverted index beneath lexical search.

item_documents      what of an item is indexed
stem_queries        queries for stems, alternatives, spellings and product codes
tantivy_index       inverted index of stems by field (tantivy)
document_frequency  document frequencies, exact where they are low
leading_hits        hits that lead whatever scores the others have
lexical_caches      caches of parsed queries and lexical results
"""
