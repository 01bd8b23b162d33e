"""Embeddings: one vector a row of a dataset."""
