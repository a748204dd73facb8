"""What an item is besides its words: its picture and its sound, read with limits and encoded offline.

A modality has a reader (a file or bytes to an array, with limits), an encoder (arrays to unit vectors, in
batch) and a place in the candidate tower, which mixes whatever modalities an item has.

pictures         reading of pictures: formats and sizes allowed, orientation, colours
sounds           reading of sounds: the part that is read, lengths and rates allowed
encoder          what the encoders of a bundle have in common
images           the encoder of pictures
audio            the encoder of sounds
picture_heads    the classes that an encoder was trained on
item_vectors     the pictures or sounds of a catalogue as vectors, by content
item_pictures    those of pictures, and the nearest of them
modality_list    the list of all modalities
"""
