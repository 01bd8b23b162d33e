"""Where Waybill's errors become Dagster failures: the only place, for resources and assets alike.

Dagster has three retry mechanisms; the one that sees an asset fail is the op's `RetryPolicy`, and
`Failure(allow_retries=...)` reaches it. An error that a retry cannot help therefore fails at once, one that it
can help is tried again with growing pauses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from resources.kernel.errors import WaybillError


@contextmanager
def boundary() -> Iterator[None]:
    """Turns a `WaybillError` into a `dagster.Failure` that says what, where, why and what to do.

    The chain of causes is cut: a vendor's traceback would be stored with the event and may hold a secret (T27).
    """
    try:
        yield
    except WaybillError as error:
        raise to_failure(error) from None


def to_failure(error: WaybillError) -> dg.Failure:
    """The failure that stands for `error`: its text, its facts, whether a retry helps."""
    metadata: dict[str, dg.MetadataValue] = {
        "error": dg.MetadataValue.text(type(error).__name__),
        "who must act": dg.MetadataValue.text(error.audience.value),
        "retry helps": dg.MetadataValue.bool(error.retryable),
    }
    if error.hint:
        metadata["what to do"] = dg.MetadataValue.text(error.hint)
    for name, value in error.facts.items():
        if value is not None:
            metadata[name] = dg.MetadataValue.text(str(value)[:500])
    return dg.Failure(description=str(error), metadata=metadata, allow_retries=error.retryable)
