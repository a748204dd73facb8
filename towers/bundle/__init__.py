"""The released folder, loaded whole or refused.

manifest  the signed list of a bundle's files
bundle    layout, writing and loading
golden    answers that a load must repeat
"""
