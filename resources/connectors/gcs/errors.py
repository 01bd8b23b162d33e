"""What Google Cloud Storage and the way to it refuse, in the words of the kernel's errors: one table for this folder."""

from __future__ import annotations

import json
import re
from typing import Self

from resources.connectors.files.bucket_errors import (
    BAD_NAME,
    BUSY,
    CHANGED,
    FAILED,
    NO_ANSWER,
    NO_BUCKET,
    NO_CONNECTION,
    NO_OBJECT,
    PROXY,
    UNREACHABLE_HINT,
    Attempt,
    Meaning,
    foreign_words,
    refusal,
)
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    SignInRefusedError,
    UntrustedServerError,
    WaybillError,
)

_PERMISSION = re.compile(r"\bstorage\.[a-z]+\.[a-zA-Z]+\b")
_BUSY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_LIMITS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})


class GcsRefusal(Exception):  # noqa: N818 - what the service said, before it becomes an error
    """An answer other than the one hoped for."""

    def __init__(self, status: int, reason: str, words: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        """The service's own code: `notFound`, `forbidden` ..."""
        self.words = words

    @classmethod
    def of(cls, status: int, body: bytes) -> Self:
        """From an answer: JSON where the service speaks, plain text where something before it does."""
        try:
            error = json.loads(body)["error"]
            reasons = error.get("errors") or [{}]
            return cls(status, str(reasons[0].get("reason", "")), str(error.get("message", "")))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return cls(status, "", body.decode(errors="replace"))

    @property
    def is_busy(self) -> bool:
        """Whether asking again after a pause may help."""
        return self.status in _BUSY_STATUSES or (self.status == 403 and self.reason in _LIMITS)


_EXPIRED = Meaning(
    SignInRefusedError,
    "the credentials of this connector expired or were withdrawn",
    "Renew them (`gcloud auth application-default login`, or a new key), then try again",
)
_TAKEN = Meaning(
    ConflictError,
    "another writer replaced it at the same moment",
    "Let one exporter only write to a key",
)
_PAYS = Meaning(
    ConfigError,
    "who asks pays for this bucket",
    "Give `project:`, the project that pays for the requests",
)

_BY_CLASS: dict[str, Meaning] = {
    "SSLError": Meaning(
        UntrustedServerError,
        "the TLS certificate of the endpoint is not trusted",
        "Install the authority's certificate (REQUESTS_CA_BUNDLE); check that `endpoint_url:` names the right host",
    ),
    "ProxyError": PROXY,
    "ConnectTimeout": NO_CONNECTION,
    "ReadTimeout": NO_ANSWER,
    "ConnectionError": Meaning(
        ConnectorUnavailableError,
        "nothing answers at the endpoint, or the connection was cut",
        UNREACHABLE_HINT,
    ),
    "RequestException": FAILED,
    "DefaultCredentialsError": Meaning(
        SignInRefusedError,
        "no credentials were found",
        "Give `credentials_json:` or `credentials_file:`, sign in with `gcloud auth application-default login`,"
        " or say `anonymous: true` for a public bucket",
    ),
    "TransportError": Meaning(
        ConnectorUnavailableError,
        "the service that renews credentials does not answer",
        "Check the network, then try again",
    ),
    "InvalidOperation": Meaning(  # of one object: others may be public
        ConnectorAuthError,
        "this needs credentials, and the connector is anonymous",
        "Leave `anonymous:` out and give credentials",
    ),
    "RefreshError": _EXPIRED,
    "GoogleAuthError": _EXPIRED,
}


def is_expired(error: Exception) -> bool:
    """Whether newer credentials may help (E47)."""
    return _meaning(error, "") is _EXPIRED


def translate_gcs_error(error: Exception, attempt: Attempt) -> WaybillError:
    """The error to raise `from error`.

    Args:
        error: a `GcsRefusal`, or what `requests` or `google.auth` raised.
        attempt: what it came of.
    """
    meaning = _meaning(error, attempt.key, attempt.what) or Meaning(ConnectorError, _foreign(error))
    status = str(error.status) if isinstance(error, GcsRefusal) else ""
    return refusal(meaning, attempt, code=status, shown_code=status)


def _meaning(error: Exception, key: str, attempt: str = "") -> Meaning | None:
    if isinstance(error, GcsRefusal):
        return _of_status(error, key, attempt)
    for ancestor in type(error).__mro__:
        found = _BY_CLASS.get(ancestor.__name__)
        if found:
            return found
    return None


def _of_status(told: GcsRefusal, key: str, attempt: str) -> Meaning | None:
    words = told.words.lower()
    if told.is_busy:
        return BUSY
    if "requester pays" in words or "user project" in words:
        return _PAYS
    if told.status == 404:
        is_object = key and attempt != "write" and "bucket does not exist" not in words
        return NO_OBJECT if is_object else NO_BUCKET
    if told.status in (412, 416):
        return _TAKEN if attempt == "write" else CHANGED
    if told.status == 400 and told.reason == "invalid" and "bucket" in words:
        return BAD_NAME
    return {401: _EXPIRED, 403: _denied(told)}.get(told.status)


def _denied(told: GcsRefusal) -> Meaning:
    found = _PERMISSION.search(told.words)
    missing = f": the permission {found.group()} is missing" if found else ""
    return Meaning(
        ConnectorAuthError,
        f"access denied{missing}",
        "Grant the account roles/storage.objectViewer on the bucket (and roles/storage.objectUser for exports)",
    )


def _foreign(error: Exception) -> str:
    if not isinstance(error, GcsRefusal):
        return type(error).__name__
    return foreign_words(error.words)
