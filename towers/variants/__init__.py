"""Variants: items that are one product in several sizes, quantities or colours, and near-duplicates.

title_parts      what in a title says which variant an item is, and what says which product
colour_words     words that a catalogue uses as it uses colours
link_rules       which two items may be variants of each other
variant_links    groups of items of which every two may be
look_alikes      near-duplicates by their pictures, whatever their words
variant_groups   the group of each item, of a bundle and of live changes
group_report     counts and the largest groups
"""
