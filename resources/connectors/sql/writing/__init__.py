"""Exports: a stream of Arrow batches becomes a table, atomically and exactly once for its run (2b, 2c).

`delivery` tells the order of steps. What belongs here: those steps, the plan of an export (`checks`, `plan`), what a column is
on its way (`columns`), the ledger, the checks of what was stored. What does not: how one database does a step, which is in
that database's folder.
"""
