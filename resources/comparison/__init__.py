"""Two versions of a table compared: their columns, and their rows by a key or as multisets. DuckDB over the files of both.

What comes out are counts and numbers of rows; how they are shown is not settled here.
"""
