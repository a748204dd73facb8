"""Values predicted for items: their file, and their use.

Reading order; a file imports only files above it.
fields       the fields that can be predicted: brand, category and attributes
values       predicted values in a file for the shop
predictions  the values that a catalogue uses, and items filled with them
"""
