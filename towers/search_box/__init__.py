"""The search box: query suggestions and query relaxation.

popular_queries  queries of many visitors, counted by keyed hashes of visitor ids
suggested_names  names of categories and brands, weighted by demand
suggestions      what completion suggests
weighted_texts   texts with weights, found by prefix
relaxation       how a query was relaxed until an item matched
completion       suggestions while typing
"""
