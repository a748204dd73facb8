"""Queries in one language find items in another, by a dictionary made in training.

glosses          English glosses of Chinese words
word_encoder     vectors of words in many languages
translations     a bilingual dictionary into the words of the catalogue
"""
