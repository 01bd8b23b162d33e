"""What is measured: a function a contender.

Each takes a `Task`, imports its tools, and returns the job as a function without arguments; only that function is
timed. It returns where the rows are: a glob of Parquet files, the name of a table, or nothing when they went nowhere.
"""

from __future__ import annotations

from importlib import import_module


def preload(*modules: str) -> None:
    """Imports what a tool would else import in the middle of its first job, at a fixed cost that grows with no row."""
    for module in modules:
        import_module(module)
