"""What S3 and the way to it refuse, in the words of the kernel's errors: one table, used by everything in this folder.

boto3 is not imported here: its errors are told apart by code and by class name, so that nothing is loaded to describe them.
"""

from __future__ import annotations

from dataclasses import dataclass

from resources.connectors.files.key_patterns import shown
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    NotFoundError,
    SourceChangedError,
    WaybillError,
)

_SERVER_TEXT_SHOWN = 160


@dataclass(frozen=True)
class _Meaning:
    kind: type[WaybillError]
    reason: str
    hint: str = ""


_EXPIRED = _Meaning(
    ConnectorAuthError,
    "the credentials of this connector expired",
    "Renew them (sign in again, or issue new keys), then try again",
)
_BUSY = _Meaning(
    ConnectorUnavailableError, "the service is overloaded or out of order", "Try again later"
)
_REGION = _Meaning(
    ConfigError, "the bucket is in another region", "Correct `region:` of the connector"
)
_NO_KEY = _Meaning(
    NotFoundError,
    "there is no such object",
    "It was never there, or has been deleted since it was listed",
)
_CHANGED = _Meaning(
    SourceChangedError,
    "the object changed while it was read",
    "Try again: the next listing shows the new object",
)
_DENIED = _Meaning(
    ConnectorAuthError,
    "access denied",
    "Grant the user of these keys s3:ListBucket on the bucket, s3:GetObject (and s3:PutObject for exports) on its objects",
)
_BAD_TOKEN = _Meaning(
    ConnectorAuthError,
    "the session token is not valid",
    "Issue new temporary credentials: key, secret and token belong together",
)
_NO_CREDENTIALS = _Meaning(
    ConnectorAuthError,
    "no credentials were found",
    "Set `access_key:` and `secret_key:`, or the AWS variables, profile or role of the process",
)

_BY_CODE: dict[str, _Meaning] = {
    "NoSuchBucket": _Meaning(
        NotFoundError, "there is no such bucket", "Correct `bucket:`, or create the bucket"
    ),
    "NoSuchKey": _NO_KEY,
    "NotFound": _NO_KEY,
    "404": _NO_KEY,
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "Forbidden": _DENIED,
    "403": _DENIED,
    "InvalidAccessKeyId": _Meaning(
        ConnectorAuthError, "the access key is unknown there", "Correct `access_key:`"
    ),
    "SignatureDoesNotMatch": _Meaning(
        ConnectorAuthError,
        "the secret key does not fit the access key",
        "Correct the variable behind `secret_key:`; a stray blank or line end also breaks it",
    ),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidToken": _BAD_TOKEN,
    "InvalidSecurity": _BAD_TOKEN,
    "RequestTimeTooSkewed": _Meaning(
        ConnectorError, "this machine's clock differs too much from theirs", "Set the clock (NTP)"
    ),
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "PreconditionFailed": _CHANGED,
    "412": _CHANGED,
    "InvalidBucketName": _Meaning(
        ConfigError, "the bucket's name is not valid", "Correct `bucket:`"
    ),
    "InvalidObjectState": _Meaning(
        ConnectorError, "the object is archived", "Restore it from the archive class first"
    ),
    "SlowDown": _BUSY,
    "Throttling": _BUSY,
    "ThrottlingException": _BUSY,
    "ServiceUnavailable": _BUSY,
    "InternalError": _BUSY,
    "RequestTimeout": _BUSY,
    "500": _BUSY,
    "502": _BUSY,
    "503": _BUSY,
    "504": _BUSY,
}

_UNREACHABLE = "Check `endpoint_url:`, the network and that the service runs"
_BY_CLASS: dict[str, _Meaning] = {
    "SSLError": _Meaning(
        ConnectorError,
        "the TLS certificate of the endpoint is not trusted",
        "Install the authority's certificate (AWS_CA_BUNDLE); check that `endpoint_url:` names the right host",
    ),
    "ProxyConnectionError": _Meaning(
        ConnectorUnavailableError, "the proxy refused or did not answer", "Check HTTPS_PROXY"
    ),
    "ConnectTimeoutError": _Meaning(
        ConnectorUnavailableError, "no connection within the time limit", _UNREACHABLE
    ),
    "ReadTimeoutError": _Meaning(
        ConnectorUnavailableError, "no answer within the time limit", "Try again later"
    ),
    "EndpointConnectionError": _Meaning(
        ConnectorUnavailableError, "nothing answers at the endpoint", _UNREACHABLE
    ),
    "ConnectionClosedError": _Meaning(
        ConnectorUnavailableError, "the connection was cut before an answer", "Try again later"
    ),
    "HTTPClientError": _Meaning(ConnectorUnavailableError, "the connection failed", _UNREACHABLE),
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": _NO_CREDENTIALS,
    "ProfileNotFound": _NO_CREDENTIALS,
    "CredentialRetrievalError": _EXPIRED,
    "TokenRetrievalError": _EXPIRED,
    "UnauthorizedSSOTokenError": _EXPIRED,
    "SSOTokenLoadError": _EXPIRED,
    "LoginRefreshRequired": _EXPIRED,
    "FlexibleChecksumError": _Meaning(
        ConnectorUnavailableError, "the bytes received do not fit their checksum", "Try again"
    ),
    "ParamValidationError": _Meaning(
        ConfigError, "the bucket's name or the key is not valid", "Correct `bucket:`"
    ),
    "InvalidRegionError": _REGION,
}


def error_code(error: Exception) -> str:
    """The service's code of an error (`NoSuchKey`, `404`), empty for what is no answer of the service."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return ""
    return str(response.get("Error", {}).get("Code", ""))


def is_expired(error: Exception) -> bool:
    """Whether newer credentials may help (E47)."""
    return _meaning(error) is _EXPIRED


def translate_s3_error(
    error: Exception, *, connector: str, bucket: str, endpoint: str, attempt: str, key: str = ""
) -> WaybillError:
    """The error to raise `from error`.

    The service's own words are shown only where its code says nothing to us: they are foreign text.

    Args:
        error: as boto3 raised it.
        connector: the connector's name.
        bucket: the bucket's name.
        endpoint: where the bucket is, as the user knows it.
        attempt: what was attempted: `read`, `list`.
        key: the object's key, if it was about one.
    """
    code = error_code(error)
    meaning = _meaning(error)
    if meaning is None:
        meaning = _Meaning(ConnectorError, _foreign_reason(error, code))
    what = f"{attempt} {shown(key)} in" if key else attempt
    status = f" ({code})" if code and not code.isdigit() else ""
    return meaning.kind(
        f"connector {connector!r}: cannot {what} bucket {bucket!r} at {endpoint}: {meaning.reason}{status}",
        hint=meaning.hint,
        connector=connector,
        bucket=bucket,
        key=key,
        code=code,
    )


def _meaning(error: Exception) -> _Meaning | None:
    code = error_code(error)
    if code:
        return _BY_CODE.get(code)
    for ancestor in type(error).__mro__:
        found = _BY_CLASS.get(ancestor.__name__)
        if found:
            return found
    return None


def _foreign_reason(error: Exception, code: str) -> str:
    response = getattr(error, "response", None)
    if not code or not isinstance(response, dict):
        return f"{type(error).__name__}"
    words = str(response.get("Error", {}).get("Message", ""))
    plain = "".join(c if c.isprintable() else " " for c in words)[:_SERVER_TEXT_SHOWN]
    return f"the service answered: {plain}" if plain else "the service gave no reason"
