"""The catalogue: items as columns, their attributes, and filters.

dictionary  dictionary encoding of names
attributes  attributes of items as sparse columns
items       the items as columns, and filters over them
"""
