"""What is in one version of a table: facts of its columns and of how they belong together, exact and in bounded memory.

`record.py` says what a profile is, `kept.py` keeps it beside its dataset and reads it back without DuckDB; the other
modules compute it. docs/profiles.md says what each figure means.
"""
