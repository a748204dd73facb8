"""Spelling variants of one text: numbers and units, marks and scripts, Chinese segmentation.

units    normalisation of numbers and units
folding  spellings of one word: diacritics, marks, apostrophes, Chinese variants
chinese  segmentation of Chinese text
"""
