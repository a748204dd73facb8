"""The image network.

image_network       residual network, its classifiers and its contrast to words
image_augmentation  pictures changed at random in training
"""
