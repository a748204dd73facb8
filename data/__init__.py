"""From a shop's raw files to clean tables. Reading order; a file imports only files above it.

errors       the one tree of errors that callers see
records      the rows that travel the loop: items, events, judgments
atomic       folders that are there whole or not at all
split        where training ends and testing begins, by time
tables       the rows as Arrow tables, in memory and on disk
clean        which rows are dropped, each by a named rule, each counted
sessionize   session ids for logs that have none
report       what the tables hold and what was dropped, as plain JSON
sources/     one file for each kind of raw data
synthetic    a small made-up shop whose right answers are known
prepare      raw data to tables: source, slice, clean, sessionize, split, write
"""
