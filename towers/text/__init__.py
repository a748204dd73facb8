"""Text processing of queries and items, English and Chinese, the same in training and serving.

writing/                spelling variants: units, marks, scripts, Chinese segmentation
words                   tokenisation and stemming
pinyin                  Chinese brands in Latin letters
tokens                  hashed token numbers of words and trigrams
word_vectors            pretrained word vectors, from a language model's token table
distilled_encoder       a large text encoder, distilled for queries
sentiment               sentiment of reviews, as stars
product_codes           item ids, SKUs, model and bar codes in items and queries
word_forms              forms of a word by which queries and items meet
understood              parts of a query that are conditions or names of the catalogue
parsed_query            a query, parsed once for all stages
head_noun               what each word does in a query: head noun, brand, modifier
spelling/               spelling correction by the vocabulary of the items
title_heads             the nouns by which a title says what its item is
term_relaxation         which words of a query are corrected and given up until items match the rest
query_rewriter          query parsing: decides corrections, splits and translations
"""
