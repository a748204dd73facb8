"""The models in TensorFlow: towers, losses, reranker, and their fitting and export.

legacy_keras       TensorFlow with the Keras that the models need
lazy_adam          Adam for large embedding tables with sparse gradients
fitting            epochs, early stopping, loss curves
full_softmax       part of the two-tower loss: softmax over the whole catalogue, in slices
sampled_softmax    part of the two-tower loss: sampled items, with the logQ correction
session_encoders   encoders of a session's event sequence: transformer, GRU, pooled DNN
two_tower          the query tower, the candidate tower, and their loss
deep_cross         the deep & cross reranker and its list loss
behaviour_network  predictions of what a visit does next: DNN, GRU, transformer
attribute_network  predictions of what the catalogue lacks: DNN, transformer
demand_network     a GRU that forecasts demand
image_network      a residual network for pictures, its classifiers and its contrast to words
image_augmentation  pictures changed at random in training
export             trained models as LiteRT files
"""
