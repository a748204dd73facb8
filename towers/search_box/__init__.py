"""What the search box needs beside ranking: suggestions and relaxations.

popular_queries  what visitors searched for, as far as others may see it
suggested_names  names of categories and brands, by demand
relaxation       what of a query was given up until something was found
completion       suggestions while somebody types
"""
