"""The released bundle folder: written, signed, verified and loaded.

layout            paths inside a bundle folder
manifest          the signed list of a bundle's files
model_metadata    metadata of the models that serving needs
candidate_tables  the candidate tower's weights, for batch embedding
bundle            a loaded bundle
sample_queries    query embeddings to tune an index by
golden            golden answers that a load must reproduce
"""
