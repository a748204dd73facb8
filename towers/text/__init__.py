"""Words of queries and items, English or Chinese, the same in training and serving.

units                   numbers and units written one way
chinese                 Chinese runs cut into words
words                   words and stems of any text
tokens                  token numbers of words
word_vectors            first vectors of words, from a large language model's table
sentiment               what the words of a review say of its item
product_codes           the numbers by which an item can be asked for
spelling                known words, and what other words may be slips for
incremental_vocabulary  words that came in with live changes
parsed_query            a query as it is read, once, for everybody
query_rewriter          reads a query: corrections, splits and translations of its words
"""
