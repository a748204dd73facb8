"""From clean tables to a released bundle, and what serving needs of it.

Rooms in reading order; a room imports only rooms above it, a file only files above it in its room.
TensorFlow is imported in ``models`` and ``training`` alone: serving reads everything above them.

config           the one tree of settings of a model
read_only        arrays and mappings that cannot be written to
optional_stages  stages that an answer can do without: left out, named and logged where they fail
text/            words, units, Chinese, product codes, sentiment, spelling, and queries read by them
catalog/     items as columns, attributes, filters
sessions/    the fold over a visitor's events, feedback, dwell, replay, and what the query tower reads
indexes/     ScaNN and tantivy, and look-ups by prefix
retrieval/   candidate sources behind one seam, and their fusion
search_box/  completion, and what of a query had to be relaxed
ranking/     features, the exported models, the ranker, adjustments, calibration, explanations
bundle/      the released folder: layout, manifest, loading, golden answers
datasets/    what the models learn from: examples, ranking lists, synthetic queries and sessions
models/      the models in TensorFlow: two towers, session encoders, losses, deep & cross, export
training/    train, embed and compare, baselines and calibration
"""
