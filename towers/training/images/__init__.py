"""Encoders of pictures and sounds: trained on the shop's own, and what they read of the catalogue.

content_files    the pictures or sounds of items, read once as training needs them
picture_labels   what they tell of their item: category, brand, attributes, words of the title
near_copies      pictures that look nearly the same, and parts held out without them
image_training   training of the networks, which read a sound as the picture of its levels
fisher_training  Fisher vectors and their classifiers, beside the networks
recipes          how the encoder of each modality is trained
image_encoding   the items' pictures and sounds as vectors, for the towers and for search by picture
"""
