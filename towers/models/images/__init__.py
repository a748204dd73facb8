"""The networks that encode pictures and sounds.

fisher_vectors      patches against a mixture of Gaussians, and linear classifiers of what they tell
image_network       residual network, its classifiers and its contrast to words
image_augmentation  pictures changed at random in training
sound_augmentation  sounds changed at random in training, and the shape of their network
"""
