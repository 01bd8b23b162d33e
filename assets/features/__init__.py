"""Columns of a table as numbers, for whoever trains or projects: models and embeddings meet here.

Pure: no Dagster, no store. What is done with the numbers lives with the noun that does it.
"""
