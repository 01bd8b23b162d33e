"""What an FTP server and the way to it refuse, in the words of the kernel's errors: one table for the connector."""

from __future__ import annotations

import ftplib
import re
import socket
import ssl

from resources.connectors.files.server_errors import (
    CONNECTION_CUT,
    ErrorTable,
    Meaning,
    TransferCutError,
    cut_short,
    name_unknown,
    nothing_listens,
    refusal,
)
from resources.connectors.ftp.control import DataConnectionError
from resources.connectors.ftp.settings import FtpSettings
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    NotFoundError,
    SignInRefusedError,
    UntrustedServerError,
    WaybillError,
)

_BUSY_WORDS = ("too many", "maximum number", "connection limit", "max clients")
_CERTIFICATE_EXPIRED, _CERTIFICATE_OF_ANOTHER = 10, (62, 64)


class SignInError(Exception):
    """The server refused the account: its own words are not shown, for some repeat what they were sent."""


FTP_ERRORS = (
    ftplib.Error,
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    TransferCutError,
    SignInError,
)
"""What everything here raises; hostile replies make `ftplib` stumble over numbers."""


def reply_code(error: BaseException) -> str:
    """The three digits of a server's refusal; empty for anything else."""
    return str(error)[:3] if isinstance(error, ftplib.Error) and str(error)[:3].isdigit() else ""


def is_crowded(error: BaseException) -> bool:
    """Whether the server has as many connections as it takes."""
    text = str(error).lower()
    return reply_code(error) == "421" or (
        reply_code(error) == "530" and any(words in text for words in _BUSY_WORDS)
    )


def says_missing(error: BaseException) -> bool:
    """Whether a refusal's words, which no standard fixes, mean that nothing is there."""
    return bool(
        re.search(r"no such|not found|n.t exist|not exist|cannot find", str(error), re.IGNORECASE)
    )


def says_denied(error: BaseException) -> bool:
    """Whether they mean a lack of rights."""
    return bool(
        re.search(r"denied|permission|not allowed|forbidden|privilege", str(error), re.IGNORECASE)
    )


def bare(error: BaseException, settings: FtpSettings) -> BaseException:
    """The error without its traces, and without the password should the server repeat it (T27).

    The frames of a trace hold the commands that were sent.
    """
    error.__traceback__ = error.__context__ = None
    if isinstance(error, ftplib.Error):
        error.args = (settings.redact(str(error)),)
    if error.__cause__ is not None:
        bare(error.__cause__, settings)
    return error


def may_pass(error: BaseException) -> bool:
    """Whether the same may go well a moment later: cut or refused connections, not silence and not refusals."""
    if isinstance(error, TransferCutError):
        return not isinstance(error.__cause__, TimeoutError)
    if isinstance(error, ftplib.error_temp) or is_crowded(error):
        return reply_code(error) != "452"
    if isinstance(error, ssl.SSLError):
        return isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return isinstance(error, EOFError | ConnectionError | DataConnectionError)


def translate_ftp_error(
    error: BaseException, settings: FtpSettings, attempt: str, key: str = ""
) -> WaybillError:
    """The error to raise `from error`.

    Args:
        error: as it came.
        settings: of the connector.
        attempt: what was attempted: `read`, `list`.
        key: what it was about.
    """
    return refusal(_meaning(error, settings), settings, attempt, key, code=reply_code(error))


def error_table(settings: FtpSettings) -> ErrorTable:
    """The same as a table."""
    return ErrorTable(
        is_vendors=lambda error: (
            isinstance(error, FTP_ERRORS) and not isinstance(error, WaybillError)
        ),
        may_pass=may_pass,
        translate=lambda error, attempt, key: translate_ftp_error(error, settings, attempt, key),
        bare=lambda error: bare(error, settings),
    )


def _meaning(error: BaseException, settings: FtpSettings) -> Meaning:
    if isinstance(error, TransferCutError):
        return cut_short(error, settings)
    if isinstance(error, SignInError):
        return (
            SignInRefusedError,
            f"user {settings.username!r} or the password was refused",
            "Correct `username:` or the variable behind `password:`; ask whether the account may use FTP",
        )
    if is_crowded(error):
        return (
            ConnectorUnavailableError,
            "the server takes no more connections now",
            "Set `connections:` lower, or try again later",
        )
    if isinstance(error, ftplib.Error):
        return _refusal(error, settings)
    return _tls(error, settings) if isinstance(error, ssl.SSLError) else _network(error, settings)


def _refusal(error: ftplib.Error, settings: FtpSettings) -> Meaning:
    words = settings.redact(str(error))
    code = reply_code(error)
    if code in ("452", "552"):
        return ConnectorError, f"the server has no space left ({words})", "Free space there"
    if isinstance(error, ftplib.error_temp):
        return ConnectorUnavailableError, f"the server is busy ({words})", "Try again later"
    if says_missing(error):
        return NotFoundError, f"it is not there ({words})", "Correct the path"
    if code in ("550", "553", "530", "532"):
        return (
            ConnectorAuthError,
            f"the server refuses ({words})",
            f"Give the account {settings.username!r} the right, or correct the path",
        )
    if code in ("500", "501", "502", "504", "522", "534"):
        return (
            ConnectorError,
            f"the server cannot do this ({words})",
            "Use SFTP, or a newer FTP server",
        )
    return ConnectorError, f"the server answered: {words}", ""


def _network(error: BaseException, settings: FtpSettings) -> Meaning:
    if isinstance(error, socket.gaierror | UnicodeError):
        return name_unknown(settings)
    if isinstance(error, DataConnectionError):
        return (
            ConnectorUnavailableError,
            f"the connection for data fails ({settings.redact(str(error))})",
            "Open the server's passive ports in the firewall",
        )
    if isinstance(error, ConnectionRefusedError):
        return nothing_listens(settings)
    if isinstance(error, TimeoutError):
        other = "implicit" if settings.tls == "explicit" else "explicit"
        return (
            ConnectorUnavailableError,
            "no answer within the time limit",
            f"Check network and firewall; is the server set up for `tls: {other}`?",
        )
    if isinstance(error, EOFError | OSError):
        return CONNECTION_CUT
    return ConnectorError, "the server's answer makes no sense", "Is it an FTP server?"


def _tls(error: ssl.SSLError, settings: FtpSettings) -> Meaning:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code == _CERTIFICATE_EXPIRED:
            return UntrustedServerError, "its TLS certificate has expired", "Renew it on the server"
        if error.verify_code in _CERTIFICATE_OF_ANOTHER:
            return (
                UntrustedServerError,
                f"its TLS certificate is for another name than {settings.host!r}",
                "Use the name in the certificate as `host:`",
            )
        return (
            UntrustedServerError,
            f"its TLS certificate is not trusted ({settings.redact(error.verify_message)})",
            "Give the authority's certificate as `ca_file:`",
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return CONNECTION_CUT
    if settings.tls == "implicit":
        return (
            ConfigError,
            f"it does not begin with TLS ({error.reason or 'TLS error'})",
            "Use `tls: explicit` with this port, or the server's port for implicit TLS",
        )
    return (
        UntrustedServerError,
        f"TLS failed ({error.reason or 'no reason given'})",
        "Check the server's TLS settings",
    )
