"""Text processing of queries and items, English and Chinese, the same in training and serving.

units                   normalisation of numbers and units
chinese                 segmentation of Chinese text
words                   tokenisation and stemming
tokens                  hashed token numbers of words and trigrams
word_vectors            pretrained word vectors, from a language model's token table
sentiment               sentiment of reviews, as stars
product_codes           item ids, SKUs, model and bar codes in items and queries
parsed_query            a query, parsed once for all stages
spelling/               spelling correction by the vocabulary of the items
head_noun               what each word does in a query: head noun, brand, modifier
term_relaxation         which words of a query are corrected and given up until items match the rest
query_rewriter          query parsing: decides corrections, splits and translations
"""
