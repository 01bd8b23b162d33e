"""Rows of a dataset to look at: a page of any version, filtered and sorted, a whole cell, what is in a column."""
