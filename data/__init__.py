"""From a shop's raw files to clean tables. Reading order; a file imports only files above it.

errors           the exceptions that callers see
records          the record types: items, events, judgments
markup           plain text of texts with HTML, entities and web addresses
atomic           folders that are written completely or not at all
media/           files that items name, pictures and sounds: places, limits, columns of them
split            the time-based split into training and test parts
offers/          coupons, promotions and services, and their redemptions
impression_tables  answers that were shown, as an Arrow table
tables           the records as Arrow tables, in memory and on disk
bulk/            Parquet files of any size: items in batches, embeddings, forecasts
clean            drops invalid rows by named rules, and counts them
sessionize       session ids for logs without any
report           the quality report of a shop's tables, as plain JSON
sources/         one file for each kind of raw data
predicted/       values predicted for items: their file, and their use
sample           the newest days, or a sample of the visitors
synthetic        a small synthetic shop with known statistics, for tests
prepare          raw data to tables: read, sample, clean, sessionize, split, write
"""
