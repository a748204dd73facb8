"""The image encoder: trained on the shop's own pictures, and the items' pictures as read by it.

picture_files    the pictures of items, read once at the size that training needs
picture_labels   what a picture tells of its item: category, brand, attributes, words of the title
near_copies      pictures that look nearly the same, and parts held out without them
image_training   training of the image networks
image_encoding   the items' pictures as vectors, for the towers and for search by picture
"""
