"""Words of queries and items, English or Chinese, the same in training and serving.

units                   numbers and units written one way
chinese                 Chinese runs cut into words
words                   words, stems and token numbers of any text
word_vectors            first vectors of words, from a large language model's table
sentiment               what the words of a review say of its item
product_codes           the numbers by which an item can be asked for
spelling                known words, and what other words may be slips for
incremental_vocabulary  words that came in with live changes
query_rewriter          corrections, splits and translations of the words of a query
"""
