"""The models in TensorFlow: towers, losses, reranker, and their fitting and export.

legacy_keras      TensorFlow with the Keras that the models need
lazy_adam         Adam for large embedding tables with sparse gradients
fitting           epochs, early stopping, loss curves
full_softmax      softmax over the whole catalogue, computed in slices
sampled_softmax   softmax over sampled items, with the logQ correction
session_encoders  encoders of a session's event sequence: transformer, GRU, pooled DNN
two_tower         the query tower and the candidate tower
deep_cross        the deep & cross reranker
export            trained models as LiteRT files
"""
