"""Values predicted for items: their file, and their use.

Reading order; a file imports only files above it.

fields         the fields that can be predicted: brand, category and attributes
predictions    predicted values, and items filled with them
values         predicted values in a file for the shop
usable_values  the usable ones of such a file, kept in a folder of tables
"""
