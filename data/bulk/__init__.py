"""Parquet files in bulk.

hash_lookup      places of texts by 64-bit hashes
item_columns     items in batches, their columns by distinct values
embedding_parts  embeddings of items in Parquet files
forecasts        forecasts of demand as a Parquet file
"""
