"""What an SFTP server and the way to it refuse, in the words of the kernel's errors: one table for the connector.

asyncssh is not imported here: its errors are told apart by class name.
"""

from __future__ import annotations

import socket

from resources.connectors.files.key_patterns import shown
from resources.connectors.sftp.settings import SftpSettings
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    WaybillError,
)

_WORDS_SHOWN = 160

_Meaning = tuple[type[WaybillError], str, str]

_CUT: _Meaning = (ConnectorUnavailableError, "the connection was cut", "Try again later")
_DENIED: _Meaning = (
    ConnectorAuthError,
    "permission denied",
    "Give the account the right, or correct the path",
)
_FULL: _Meaning = (ConnectorError, "the server has no space left", "Free space there")
_MISSING: _Meaning = (NotFoundError, "it is not there", "Correct the path")
_IN_THE_WAY: _Meaning = (InputError, "a file or folder is in the way", "Choose another key")
_NAME: _Meaning = (
    InputError,
    "the server cannot hold such a name",
    "Choose a shorter or plainer name",
)

_BY_CLASS: dict[str, _Meaning] = {
    "PermissionDenied": (
        ConnectorAuthError,
        "the user name, the password or the key was refused",
        "Correct `username:` or the variable behind `password:` or `private_key:`; is the public key on the server?",
    ),
    "KeyExchangeFailed": (
        ConnectorError,
        "no common way of encryption",
        "The server is too old, or set up too narrowly",
    ),
    "ProtocolNotSupported": (
        ConnectorError,
        "that is no SSH server",
        "Correct `port:`",
    ),
    "ConnectionLost": _CUT,
    "SFTPConnectionLost": _CUT,
    "SFTPNoConnection": _CUT,
    "ServiceNotAvailable": _CUT,
    "SFTPNoSuchFile": _MISSING,
    "SFTPNoSuchPath": _MISSING,
    "SFTPPermissionDenied": _DENIED,
    "SFTPWriteProtect": _DENIED,
    "SFTPNoSpaceOnFilesystem": _FULL,
    "SFTPQuotaExceeded": _FULL,
    "SFTPFileAlreadyExists": _IN_THE_WAY,
    "SFTPNotADirectory": _IN_THE_WAY,
    "SFTPFileIsADirectory": _IN_THE_WAY,
    "SFTPInvalidFilename": _NAME,
    "SFTPOpUnsupported": (ConnectorError, "the server cannot do this", ""),
    "ChannelOpenError": (
        ConnectorError,
        "the server offers no SFTP to this account",
        "Turn on the SFTP subsystem for the account",
    ),
}


class TransferCutError(Exception):
    """A transfer that ended before its end.

    Args:
        reached: bytes that came.
        total: bytes that were announced.
    """

    def __init__(self, reached: int, total: int) -> None:
        super().__init__(reached, total)
        self.reached = reached
        self.total = total


def is_vendors(error: BaseException) -> bool:
    """Whether an error is one of the library's or of the network's, to be put into our words."""
    if isinstance(error, WaybillError):
        return False
    module = type(error).__module__.partition(".")[0]
    return module == "asyncssh" or isinstance(
        error, OSError | EOFError | ValueError | TransferCutError
    )


def is_a(error: BaseException, *names: str) -> bool:
    """Whether an error's class, or one that it is derived from, has one of these names."""
    return any(ancestor.__name__ in names for ancestor in type(error).__mro__)


def may_pass(error: BaseException) -> bool:
    """Whether the same may go well a moment later: cut or refused connections, not silence and not refusals."""
    if isinstance(error, TransferCutError):
        return error.__cause__ is None or may_pass(error.__cause__)
    return isinstance(error, ConnectionError) or is_a(
        error, "ConnectionLost", "SFTPConnectionLost", "SFTPNoConnection", "ServiceNotAvailable"
    )


def bare(error: BaseException) -> BaseException:
    """The error without its traces: their frames hold the options of the connection, with its secrets (T27)."""
    error.__traceback__ = error.__context__ = None
    if error.__cause__ is not None:
        bare(error.__cause__)
    return error


def translate_sftp_error(
    error: BaseException, settings: SftpSettings, attempt: str, key: str = ""
) -> WaybillError:
    """The error to raise `from error`.

    Args:
        error: as it came.
        settings: of the connector.
        attempt: what was attempted: `read`, `list`.
        key: what it was about.
    """
    kind, reason, hint = _meaning(error, settings)
    what = f"{attempt} {shown(key)} on" if key else attempt
    return kind(
        f"connector {settings.name!r}: cannot {what} {settings.address}: {reason}",
        hint=hint,
        connector=settings.name,
        key=key,
    )


def no_such(settings: SftpSettings, key: str) -> NotFoundError:
    """The error about a key that nothing stands at."""
    return NotFoundError(
        f"connector {settings.name!r}: no file {shown(key)} on {settings.address}",
        hint="It was never there, or has been moved or deleted since it was listed",
        key=key,
    )


def _meaning(error: BaseException, settings: SftpSettings) -> _Meaning:
    if isinstance(error, TransferCutError):
        return _transfer(error, settings)
    for ancestor in type(error).__mro__:
        if ancestor.__name__ in _BY_CLASS:
            return _BY_CLASS[ancestor.__name__]
    if isinstance(error, OSError | EOFError):
        return _network(error, settings)
    words = "".join(c if c.isprintable() else " " for c in str(error))[:_WORDS_SHOWN]
    if is_a(error, "SFTPError"):
        return ConnectorError, f"the server refuses ({words or 'no reason given'})", ""
    return ConnectorError, f"{type(error).__name__}: {words}", ""


def _transfer(error: TransferCutError, settings: SftpSettings) -> _Meaning:
    bytes_ = f"{error.reached} of {error.total} bytes"
    if isinstance(error.__cause__, TimeoutError):
        reason = f"nothing came for {settings.timeout_seconds:g} s after {bytes_}"
    else:
        reason = f"it was cut off after {bytes_}"
    return ConnectorUnavailableError, reason, "Check the network and the server, then try again"


def _network(error: BaseException, settings: SftpSettings) -> _Meaning:
    kind = ConnectorUnavailableError
    if isinstance(error, socket.gaierror):
        reason = f"the name {settings.host!r} is not known here"
        return kind, reason, "Correct `host:`, or check the DNS"
    if isinstance(error, ConnectionRefusedError):
        reason = f"nothing listens at port {settings.port}"
        return kind, reason, "Correct `host:` and `port:`, and check that the server runs"
    if isinstance(error, TimeoutError):
        return kind, "no answer within the time limit", "Check network and firewall"
    return _CUT


def refused_host_key(settings: SftpSettings, offered: str, algorithm: str) -> WaybillError:
    """The error about a host key that nobody vouched for (T20)."""
    how = f"`host_key: {offered}`" if offered else "`host_key:`"
    if settings.host_key:
        state = f"not the pinned {settings.pinned}"
    elif settings.known_hosts:
        state = f"not in {settings.known_hosts!r} for this host"
    else:
        state = "unknown: neither `known_hosts:` nor `host_key:` is set"
    return ConfigError(
        f"connector {settings.name!r}: {settings.address} shows the host key {offered or '(not shown)'}"
        f" ({algorithm}), which is {state}; nothing was sent to it",
        hint=f"Ask its operator for the fingerprint. Only if it is the same, pin it: {how}."
        " A key that changed without notice may be somebody in between",
        fingerprint=offered,
    )
