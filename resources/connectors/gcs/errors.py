"""What Google Cloud Storage and the way to it refuse, in the words of the kernel's errors: one table for this folder."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Self

from resources.connectors.files.key_patterns import shown
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    NotFoundError,
    SourceChangedError,
    WaybillError,
)

_WORDS_SHOWN = 160
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


@dataclass(frozen=True)
class _Meaning:
    kind: type[WaybillError]
    reason: str
    hint: str = ""


_EXPIRED = _Meaning(
    ConnectorAuthError,
    "the credentials of this connector expired or were withdrawn",
    "Renew them (`gcloud auth application-default login`, or a new key), then try again",
)
_BUSY = _Meaning(
    ConnectorUnavailableError, "the service is overloaded or out of order", "Try again later"
)
_NO_BUCKET = _Meaning(
    NotFoundError, "there is no such bucket", "Correct `bucket:`, or create the bucket"
)
_NO_OBJECT = _Meaning(
    NotFoundError,
    "there is no such object",
    "It was never there, or has been deleted since it was listed",
)
_CHANGED = _Meaning(
    SourceChangedError,
    "the object changed while it was read",
    "Try again: the next listing shows the new object",
)
_TAKEN = _Meaning(
    ConflictError,
    "somebody else wrote it at the same moment",
    "Let one exporter only write to a key",
)
_PAYS = _Meaning(
    ConfigError,
    "who asks pays for this bucket",
    "Give `project:`, the project that pays for the requests",
)
_UNREACHABLE = "Check `endpoint_url:`, the network and that the service runs"

_BY_CLASS: dict[str, _Meaning] = {
    "SSLError": _Meaning(
        ConnectorError,
        "the TLS certificate of the endpoint is not trusted",
        "Install the authority's certificate (REQUESTS_CA_BUNDLE); check that `endpoint_url:` names the right host",
    ),
    "ProxyError": _Meaning(
        ConnectorUnavailableError, "the proxy refused or did not answer", "Check HTTPS_PROXY"
    ),
    "ConnectTimeout": _Meaning(
        ConnectorUnavailableError, "no connection within the time limit", _UNREACHABLE
    ),
    "ReadTimeout": _Meaning(
        ConnectorUnavailableError, "no answer within the time limit", "Try again later"
    ),
    "ConnectionError": _Meaning(
        ConnectorUnavailableError,
        "nothing answers at the endpoint, or the connection was cut",
        _UNREACHABLE,
    ),
    "RequestException": _Meaning(ConnectorUnavailableError, "the connection failed", _UNREACHABLE),
    "DefaultCredentialsError": _Meaning(
        ConnectorAuthError,
        "no credentials were found",
        "Give `credentials_json:` or `credentials_file:`, sign in with `gcloud auth application-default login`,"
        " or say `anonymous: true` for a public bucket",
    ),
    "TransportError": _Meaning(
        ConnectorUnavailableError,
        "the service that renews credentials does not answer",
        "Check the network, then try again",
    ),
    "InvalidOperation": _Meaning(
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


def translate_gcs_error(
    error: Exception, *, connector: str, bucket: str, endpoint: str, attempt: str, key: str = ""
) -> WaybillError:
    """The error to raise `from error`.

    The service's own words are shown only where its code says nothing to us: they are foreign text.

    Args:
        error: a `GcsRefusal`, or what `requests` or `google.auth` raised.
        connector: the connector's name.
        bucket: the bucket's name.
        endpoint: where the bucket is, as the user knows it.
        attempt: what was attempted: `read`, `write`, `list`.
        key: the object's key, if it was about one.
    """
    meaning = _meaning(error, key, attempt) or _Meaning(ConnectorError, _foreign(error))
    what = f"{attempt} {shown(key)} in" if key else attempt
    status = error.status if isinstance(error, GcsRefusal) else 0
    return meaning.kind(
        f"connector {connector!r}: cannot {what} bucket {bucket!r} at {endpoint}: {meaning.reason}"
        + (f" ({status})" if status else ""),
        hint=meaning.hint,
        connector=connector,
        bucket=bucket,
        key=key,
        code=str(status or ""),
    )


def _meaning(error: Exception, key: str, attempt: str = "") -> _Meaning | None:
    if isinstance(error, GcsRefusal):
        return _of_status(error, key, attempt)
    for ancestor in type(error).__mro__:
        found = _BY_CLASS.get(ancestor.__name__)
        if found:
            return found
    return None


def _of_status(refusal: GcsRefusal, key: str, attempt: str) -> _Meaning | None:
    words = refusal.words.lower()
    if refusal.is_busy:
        return _BUSY
    if "requester pays" in words or "user project" in words:
        return _PAYS
    if refusal.status == 404:
        is_object = key and attempt != "write" and "bucket does not exist" not in words
        return _NO_OBJECT if is_object else _NO_BUCKET
    if refusal.status in (412, 416):
        return _TAKEN if attempt == "write" else _CHANGED
    if refusal.status == 400 and refusal.reason == "invalid" and "bucket" in words:
        return _Meaning(ConfigError, "the bucket's name is not valid", "Correct `bucket:`")
    return {401: _EXPIRED, 403: _denied(refusal)}.get(refusal.status)


def _denied(refusal: GcsRefusal) -> _Meaning:
    found = _PERMISSION.search(refusal.words)
    missing = f": the permission {found.group()} is missing" if found else ""
    return _Meaning(
        ConnectorAuthError,
        f"access denied{missing}",
        "Grant the account roles/storage.objectViewer on the bucket (and roles/storage.objectUser for exports)",
    )


def _foreign(error: Exception) -> str:
    if not isinstance(error, GcsRefusal):
        return type(error).__name__
    plain = "".join(c if c.isprintable() else " " for c in error.words)[:_WORDS_SHOWN]
    return f"the service answered: {plain}" if plain else "the service gave no reason"
