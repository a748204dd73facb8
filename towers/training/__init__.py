"""From a data set to a released bundle, and the figures beside it.

loss_curves           the loss curves as a picture
translations          the catalogue's words for words of the other language
calibration_metrics   how far stated probabilities can be trusted
calibration_training  what the purchase probability learns from
classical             classical models on the reranker's features
baselines             what the ranker must beat
tower_training        the towers, trained and measured
reranker_training     the reranker, trained
item_embedding        items in batch
litert_export         the models as serving runs them, and how alike they rank
train                 from clean tables to a released bundle
compare               session encoders side by side
"""
