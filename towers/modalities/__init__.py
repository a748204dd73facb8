"""What an item is besides its words: its picture, read with limits and encoded offline.

A modality has a reader (a file or bytes to an array, with limits), an encoder (arrays to unit vectors, in
batch) and a place in the candidate tower, which mixes whatever modalities an item has.

pictures       reading of pictures: formats and sizes allowed, orientation, colours
images         the image encoder of a bundle: pictures to unit vectors
picture_heads  the classes that an encoder was trained on
item_pictures  the pictures of a catalogue as vectors, by content, and the nearest of them
"""
