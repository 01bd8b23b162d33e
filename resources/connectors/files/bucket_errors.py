"""What refusals of buckets have in common, whatever protocol they speak: their words.

Here: meanings that several services share, and the error's sentence. Not here: which answer of a service, or which error
of its library, has which meaning: one table a service (`s3/errors.py`, `gcs/errors.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from resources.connectors.files.key_patterns import shown
from resources.kernel.errors import (
    ConfigError,
    ConnectorUnavailableError,
    NoSuchBucketError,
    NotFoundError,
    SourceChangedError,
    WaybillError,
)

_WORDS_SHOWN = 160

UNREACHABLE_HINT = "Check `endpoint_url:`, the network and that the service runs"


@dataclass(frozen=True)
class Meaning:
    """What an error means."""

    kind: type[WaybillError]
    reason: str
    hint: str = ""


@dataclass(frozen=True)
class Attempt:
    """What was attempted, and where."""

    connector: str
    bucket: str
    endpoint: str
    """Where the bucket is, as the user knows it."""
    what: str
    """`read`, `write`, `list`."""
    key: str = ""
    """The object's key, if it was about one."""


BUSY = Meaning(
    ConnectorUnavailableError, "the service is overloaded or out of order", "Try again later"
)
NO_BUCKET = Meaning(
    NoSuchBucketError, "there is no such bucket", "Correct `bucket:`, or create the bucket"
)
NO_OBJECT = Meaning(
    NotFoundError,
    "there is no such object",
    "It was never there, or has been deleted since it was listed",
)
CHANGED = Meaning(
    SourceChangedError,
    "the object changed while it was read",
    "Try again: the next listing shows the new object",
)
BAD_NAME = Meaning(ConfigError, "the bucket's name is not valid", "Correct `bucket:`")
PROXY = Meaning(
    ConnectorUnavailableError, "the proxy refused or did not answer", "Check HTTPS_PROXY"
)
NO_CONNECTION = Meaning(
    ConnectorUnavailableError, "no connection within the time limit", UNREACHABLE_HINT
)
NO_ANSWER = Meaning(ConnectorUnavailableError, "no answer within the time limit", "Try again later")
FAILED = Meaning(ConnectorUnavailableError, "the connection failed", UNREACHABLE_HINT)


def refusal(
    meaning: Meaning, attempt: Attempt, *, code: str = "", shown_code: str = ""
) -> WaybillError:
    """The error that says what was attempted where, and what it means.

    Args:
        meaning: of the error as it came.
        attempt: what was attempted.
        code: the service's own code, for machines.
        shown_code: the same for people; empty where it tells them nothing.
    """
    what = f"{attempt.what} {shown(attempt.key)} in" if attempt.key else attempt.what
    status = f" ({shown_code})" if shown_code else ""
    return meaning.kind(
        f"connector {attempt.connector!r}: cannot {what} bucket {attempt.bucket!r} at {attempt.endpoint}:"
        f" {meaning.reason}{status}",
        hint=meaning.hint,
        connector=attempt.connector,
        bucket=attempt.bucket,
        key=attempt.key,
        code=code,
    )


def foreign_words(text: str) -> str:
    """A service's own words, shown only where its code says nothing to us: they are foreign text."""
    plain = "".join(c if c.isprintable() else " " for c in text)[:_WORDS_SHOWN]
    return f"the service answered: {plain}" if plain else "the service gave no reason"
