"""From clean tables to a released bundle, and what serving needs of it."""
