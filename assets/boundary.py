"""How the steps of every noun fail: which errors are tried again, and how often.

The translation of errors into Dagster failures is `resources/failures.py`, which the IO manager uses too; the nouns
take it from here, beside the retries that go with it.
"""

from __future__ import annotations

import dagster as dg

from resources.failures import boundary, to_failure

__all__ = ["RETRIES", "boundary", "to_failure"]

RETRIES = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL)
