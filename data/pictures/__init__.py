"""The items' pictures as a shop's files and the tables hold them.

picture  how an item names its picture, and its bytes
columns  the column of pictures in a shop's files: paths, or bytes kept in the tables
"""
