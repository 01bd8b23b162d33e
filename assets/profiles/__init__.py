"""The profile of a table as an asset of its own below it: when it is made, what a run does, what Dagster shows of it."""
