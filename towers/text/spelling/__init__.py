"""Spelling correction of query words by the vocabulary of the items.

english_words           words of ordinary English, by frequency
deletion_index          words by their one-letter deletions
vocabulary              the words of the items, and candidates for corrections
incremental_vocabulary  a vocabulary that takes in words of live changes
word_corrector          decides what a word may be a misspelling of
context_corrector       corrections that the other words of a query speak for
replacements            corrections, forms and translations of the words of one query, and its terms
"""
