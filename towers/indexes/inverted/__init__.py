"""The inverted index beneath lexical search.

stem_versions       what is kept of stems while items are added
item_documents      what of an item is indexed
stem_queries        queries for stems, alternatives, spellings and product codes
posting_lists       rows of the documents that have a stem, in memory
tantivy_index       inverted index of stems by field (tantivy)
naming_shares       how often items are named by a word, or are of a brand of this name
document_frequency  document frequencies, exact where they are low
leading_hits        hits that lead whatever scores the others have
lexical_caches      caches of parsed queries and lexical results
"""
