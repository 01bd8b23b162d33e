"""What is measured: a function a contender.

Each takes a `Task`, imports its tools, and returns the job as a function without arguments; only that function is
timed. It returns where the rows are: a glob of Parquet files, the name of a table, or nothing when they went nowhere.
"""
