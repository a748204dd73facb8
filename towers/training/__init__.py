"""From a data set to a released bundle with its metrics.

loss_curves           the loss curves as a picture
languages/            glosses of Chinese words, a bilingual dictionary into the words of the catalogue
calibration_metrics   calibration and discrimination of probabilities
calibration_training  training of the purchase probability
encoder/              the large text encoder, and what is distilled from it
images/               the encoders of pictures and sounds, and what they read of the items
tower_training        training and evaluation of the two towers
reranker_training     training of the reranker
baselines/            what the ranker is compared with
actions/              the network of several actions, its calibration and its rivals
offers/               the models of offers: redemption, uplift, and their evaluation
demand_release        the forecast of demand that goes into a bundle
search_share          how much of the reranker a release serves in searches
embedding_stream      embeddings of Parquet files of any size
item_embedding        batch embedding of items, and bundles for changed catalogues
litert_export         export to LiteRT, and its agreement with TensorFlow
second_stage          the reranker with its lists, its share in searches, and its rivals
train                 from clean tables to a released bundle
compare               comparison of session encoders
"""
