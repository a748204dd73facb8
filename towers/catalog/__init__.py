"""The items of a shop as columns.

dictionary  names as small numbers
attributes  what is known of items by name, as sparse columns
items       the items as columns, and filters over them
"""
