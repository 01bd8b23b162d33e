"""Dagster's warnings about itself: its component loader uses its own unfinished features, a hundred lines a load.

They are left out while Waybill loads a project. In the processes of the server, which go on with what was loaded, those that
come from Dagster's own code are: what a user's own code, process or tests warn of is theirs.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

_CONSUMER = "dagster.daemon.EventLogConsumerDaemon"


@contextmanager
def without_dagster_warnings() -> Iterator[None]:
    """Leaves out what Dagster says of features that are in beta or in preview."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield


def leave_out_dagsters_own() -> None:
    """Leaves out, from now on and in all threads, what Dagster says of such features where its own code uses them."""
    for category in (dg.BetaWarning, dg.PreviewWarning):
        warnings.filterwarnings("ignore", category=category, module=r"dagster\.")


def leave_out_first_start() -> None:
    """Leaves out that the daemon begins with the events of now: true of every new home folder, and nothing to act on."""
    logging.getLogger(_CONSUMER).addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("No cursor for event type")
