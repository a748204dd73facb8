"""Models and retrieval: from clean tables to a released bundle, and its use in serving.

Rooms in reading order; a room imports only rooms above it, a file only files above it in its room.
TensorFlow is imported in ``models`` and ``training`` alone. A running server imports only rooms above
them; evaluation and the command line also import ``training``.

settings         settings as dataclasses, read from nested mappings
config           settings of text, towers, sources, reranker, completion and indexes
uncollected      work without garbage collections
compiled         loops compiled to machine code, and where that is kept
radix_sort       sorting of integer keys in compiled loops
falling_order    sorting by falling scores
read_only        read-only arrays and mappings
bootstrap        confidence intervals of means
paced            lists that let more urgent work pass between their elements
optional_stages  graceful degradation of answers where a stage fails
text/            tokenisation, units, Chinese, product codes, sentiment, spelling, query parsing
catalog/         items as columns, attributes, filters
stock/           stock against a forecast of demand
sessions/        sessions as a fold over events, feedback, dwell, replay, input of the query tower
indexes/         ScaNN, tantivy, prefix indexes
retrieval/       candidate sources behind one interface, and their fusion
audio/           audio files: decoding, log-mel spectrograms
speech/          recordings, speech to text, words of the shop in what was heard
search_box/      completion and query relaxation
ranking/         features, the exported models, the ranker, adjustments, calibration, explanations
actions/         probabilities of what a shopper does with an item that is shown
offers/          coupons, promotions and services: eligibility, probability of redemption, uplift
after_sales/     what follows a purchase, days later
modalities/      pictures and sounds of items: reading with limits, and encoding to vectors
variants/        variants of one product and near-duplicates, in groups
bundle/          the released folder: layout, manifest, loading, golden answers
datasets/        training data: examples, ranking lists, synthetic queries and sessions
models/          the models in TensorFlow: two towers, session encoders, losses, deep & cross, export
demand/          forecasts of the demand for items and categories
training/        training, batch embedding, comparison, baselines and calibration
behaviour/       what a visit does next, predicted by classical models and networks side by side
attributes/      values that the catalogue lacks, predicted by classical models and networks side by side
"""
