"""Dagster's warnings about itself: its component loader uses its own unfinished features, a hundred lines a load.

They are left out while Waybill loads a project, and only then: what a user's own process or tests warn of is theirs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg


@contextmanager
def without_dagster_warnings() -> Iterator[None]:
    """Leaves out what Dagster says of features that are in beta or in preview."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield
