"""The large text encoder, and what is distilled from it for serving.

encoding_cache  vectors of texts, kept between trainings
text_encoder    the large text encoder
distillation    the small encoder of queries, taught by the large one
text_baselines  rankings by TF-IDF and the large encoder as they come
text_vectors    the items as read by the large encoder
"""
