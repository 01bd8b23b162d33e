"""What S3 and the way to it refuse, in the words of the kernel's errors: one table, used by everything in this folder.

boto3 is not imported here: its errors are told apart by code and by class name, so that nothing is loaded to describe them.
"""

from __future__ import annotations

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
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    SignInRefusedError,
    UntrustedServerError,
    WaybillError,
)

_EXPIRED = Meaning(
    SignInRefusedError,
    "the credentials of this connector expired",
    "Renew them (sign in again, or issue new keys), then try again",
)
_REGION = Meaning(
    ConfigError, "the bucket is in another region", "Correct `region:` of the connector"
)
_DENIED = Meaning(
    ConnectorAuthError,
    "access denied",
    "Grant the user of these keys s3:ListBucket on the bucket, s3:GetObject (and s3:PutObject for exports) on its objects",
)
_BAD_TOKEN = Meaning(
    SignInRefusedError,
    "the session token is not valid",
    "Issue new temporary credentials: key, secret and token belong together",
)
_NO_CREDENTIALS = Meaning(
    SignInRefusedError,
    "no credentials were found",
    "Set `access_key:` and `secret_key:`, or the AWS variables, profile or role of the process",
)

_BY_CODE: dict[str, Meaning] = {
    "NoSuchBucket": NO_BUCKET,
    "NoSuchKey": NO_OBJECT,
    "NotFound": NO_OBJECT,
    "404": NO_OBJECT,
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "Forbidden": _DENIED,
    "403": _DENIED,
    "InvalidAccessKeyId": Meaning(
        SignInRefusedError, "the access key is unknown there", "Correct `access_key:`"
    ),
    "SignatureDoesNotMatch": Meaning(
        SignInRefusedError,
        "the secret key does not fit the access key",
        "Correct the variable behind `secret_key:`; a stray blank or line end also breaks it",
    ),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidToken": _BAD_TOKEN,
    "InvalidSecurity": _BAD_TOKEN,
    "RequestTimeTooSkewed": Meaning(
        SignInRefusedError,
        "this machine's clock differs too much from theirs",
        "Set the clock (NTP)",
    ),
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "PreconditionFailed": CHANGED,
    "412": CHANGED,
    "InvalidBucketName": BAD_NAME,
    "InvalidObjectState": Meaning(
        ConnectorError, "the object is archived", "Restore it from the archive class first"
    ),
    "SlowDown": BUSY,
    "Throttling": BUSY,
    "ThrottlingException": BUSY,
    "ServiceUnavailable": BUSY,
    "InternalError": BUSY,
    "RequestTimeout": BUSY,
    "500": BUSY,
    "502": BUSY,
    "503": BUSY,
    "504": BUSY,
}

_BY_CLASS: dict[str, Meaning] = {
    "SSLError": Meaning(
        UntrustedServerError,
        "the TLS certificate of the endpoint is not trusted",
        "Install the authority's certificate (AWS_CA_BUNDLE); check that `endpoint_url:` names the right host",
    ),
    "ProxyConnectionError": PROXY,
    "ConnectTimeoutError": NO_CONNECTION,
    "ReadTimeoutError": NO_ANSWER,
    "EndpointConnectionError": Meaning(
        ConnectorUnavailableError, "nothing answers at the endpoint", UNREACHABLE_HINT
    ),
    "ConnectionClosedError": Meaning(
        ConnectorUnavailableError, "the connection was cut before an answer", "Try again later"
    ),
    "HTTPClientError": FAILED,
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": _NO_CREDENTIALS,
    "ProfileNotFound": _NO_CREDENTIALS,
    "CredentialRetrievalError": _EXPIRED,
    "TokenRetrievalError": _EXPIRED,
    "UnauthorizedSSOTokenError": _EXPIRED,
    "SSOTokenLoadError": _EXPIRED,
    "LoginRefreshRequired": _EXPIRED,
    "FlexibleChecksumError": Meaning(
        ConnectorUnavailableError, "the bytes received do not fit their checksum", "Try again"
    ),
    "ParamValidationError": Meaning(
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


def translate_s3_error(error: Exception, attempt: Attempt) -> WaybillError:
    """The error to raise `from error`.

    Args:
        error: as boto3 raised it.
        attempt: what it came of.
    """
    code = error_code(error)
    meaning = _meaning(error) or Meaning(ConnectorError, _foreign_reason(error, code))
    return refusal(meaning, attempt, code=code, shown_code="" if code.isdigit() else code)


def _meaning(error: Exception) -> Meaning | None:
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
    return foreign_words(str(response.get("Error", {}).get("Message", "")))
