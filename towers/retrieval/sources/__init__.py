"""The candidate sources, each with its table or index.

learnt        the items nearest to the query embedding
lexical       items by the words of the query
semantic      items whose text means what the query means, by a large text encoder
cooccurrence  items that co-occur in sessions
session_knn   items of the most similar past sessions (named `neighbours` in answers)
repurchase    the visitor's past purchases, and repurchase rates
popular       items in demand this hour, these days, these months, and what counts as demand
"""
