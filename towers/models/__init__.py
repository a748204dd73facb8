"""The models in TensorFlow.

legacy_keras      TensorFlow with the Keras that the models need
lazy_adam         Adam for large tables of which a step touches few rows
fitting           epochs, early stopping, loss curves
full_softmax      the softmax over a whole catalogue, slice by slice
sampled_softmax   the softmax over sampled items, with the logQ correction
session_encoders  from the states of events to one of the session: transformer, GRU, pooled
two_tower         the query tower and the candidate tower
deep_cross        the deep & cross reranker
export            trained models as LiteRT files
"""
