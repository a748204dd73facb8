"""The candidate sources, each with its table or index.

learnt        the items nearest to the query embedding
lexical       items by the words of the query
cooccurrence  items that turn up in the same sessions
session_knn   what past sessions like this one went on to hold
repurchase    what the visitor bought before, and which items people buy again
popular       what many visitors are after now
"""
