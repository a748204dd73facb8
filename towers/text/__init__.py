"""Text processing of queries and items, English and Chinese, the same in training and serving.

units                   normalisation of numbers and units
chinese                 segmentation of Chinese text
words                   tokenisation and stemming
tokens                  hashed token numbers of words and trigrams
word_vectors            pretrained word vectors, from a language model's token table
sentiment               sentiment of reviews, as stars
product_codes           item ids, SKUs, model and bar codes in items and queries
spelling                the vocabulary of the items, and candidates for corrections
incremental_vocabulary  a vocabulary that takes in words of live changes
understood              parts of a query that are conditions or names of the catalogue
parsed_query            a query, parsed once for all stages
query_rewriter          query parsing: decides corrections, splits and translations
"""
