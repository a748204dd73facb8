"""The catalogue: items as columns, their attributes, and filters.

facts             price, time and stock of items, and how complete they are
dictionary        dictionary encoding of brands, categories and attribute values
attributes        attributes of items as sparse columns
filters           conditions on items
item_tokens       what the candidate tower reads of an item
batches/          what the candidate tower reads of many items
text_keys         hashes of items' texts
name_tokens       the words of brand and category names
title_columns     the words of titles in order, and which of them say what the item is
items             the items as columns, and the masks of filters
substitutes       items that could take the place of others
condition_tables  words of price and stock conditions by language
condition_words   price and stock conditions in a text, by their form
catalog_names     brands, colours, sizes and categories in a query
"""
