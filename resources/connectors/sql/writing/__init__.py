"""Exports: a stream of Arrow batches becomes a table, atomically and exactly once for its run (2b, 2c).

What belongs here: the plan of an export (`checks`, `plan`), how Arrow values become SQL values (`columns`, `*_types`),
and one module a dialect that carries the plan out. What does not: connecting and reading, which are beside this folder.
"""
