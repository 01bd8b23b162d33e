"""Transforms: datasets made from datasets, by SQL or by plain Python assets."""
