"""Columns of a table as numbers: the library that models and embeddings share.

Pure: no Dagster, no store. What is done with the numbers lives with the noun that does it.
"""
