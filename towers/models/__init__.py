"""The models in TensorFlow: towers, losses, reranker, and their fitting and export.

legacy_keras       TensorFlow with the Keras that the models need
lazy_adam          Adam for large embedding tables with sparse gradients
fitting            epochs, early stopping, loss curves
full_softmax       part of the two-tower loss: softmax over the whole catalogue, in slices
sampled_softmax    part of the two-tower loss: sampled items, with the logQ correction
session_encoders   encoders of a session's event sequence: transformer, GRU, pooled DNN
images/            the networks of pictures and sounds, and their augmentation
modality_attention  fusion of an item's words, picture and sound
candidate_tower    the candidate tower: items to unit vectors
two_tower          the query tower, and the loss of both towers
deep_cross         the deep & cross reranker and its list loss
predictors/       networks of single predictions: actions, attributes, visits, demand
export             trained models as LiteRT files
"""
