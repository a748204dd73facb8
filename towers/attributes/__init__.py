"""Values that the catalogue lacks: attributes, brands and categories predicted from the rest of an item.

spellings      spellings of one value, and which are merged
targets        which fields can be learnt, their classes, and why others cannot
picture_features  pictures, or sounds, as vectors, and which the encoder has not seen
nested_classes  classes that are unions of a finer field's
item_features  words, tokens and vectors of items without one field
classifiers    scikit-learn's models over words and vectors
models         classical models and networks behind one signature
abstention     probabilities of being right, and the threshold of a precision
validation_items  held-out items as unlike the learnt ones as those to be filled
applicability  whether a field applies to an item
prediction     every model on one field, and the best one's predictions
titles/        words that short titles lack
known_items    the items of a bundle, to learn from
filling        every field of a catalogue
picture        the comparison of the models as a picture
"""
