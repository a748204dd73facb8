"""What an item is besides its words: its picture, read with limits and encoded offline.

A modality has a reader (a file or bytes to an array), an encoder (arrays to unit vectors, in batch) and a
place in the candidate tower, which mixes whatever modalities an item has. Another modality is one file
with these three, its entry in ``modality_list``, and its training.

pictures       reading of pictures: formats and sizes allowed, orientation, colours
images         the image encoder of a bundle: pictures to unit vectors
"""
