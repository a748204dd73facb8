"""What short titles lack.

title_words  words of longer titles, told by the nearest pictures
"""
