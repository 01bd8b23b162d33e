"""What an SFTP server and the way to it refuse, in the words of the kernel's errors: one table for the connector.

asyncssh is not imported here: its errors are told apart by class name.
"""

from __future__ import annotations

import socket

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
from resources.connectors.sftp.settings import SftpSettings
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    SignInRefusedError,
    UntrustedServerError,
    WaybillError,
)

_WORDS_SHOWN = 160

_DENIED: Meaning = (
    ConnectorAuthError,
    "permission denied",
    "Give the account the right, or correct the path",
)
_FULL: Meaning = (ConnectorError, "the server has no space left", "Free space there")
_MISSING: Meaning = (NotFoundError, "it is not there", "Correct the path")
_IN_THE_WAY: Meaning = (InputError, "a file or folder is in the way", "Choose another key")
_NAME: Meaning = (
    InputError,
    "the server cannot hold such a name",
    "Choose a shorter or plainer name",
)

_BY_CLASS: dict[str, Meaning] = {
    "PermissionDenied": (
        SignInRefusedError,
        "the user name, the password or the key was refused",
        "Correct `username:` or the variable behind `password:` or `private_key:`; is the public key on the server?",
    ),
    "KeyExchangeFailed": (
        UntrustedServerError,
        "no common way of encryption",
        "The server is too old, or set up too narrowly",
    ),
    "ProtocolNotSupported": (
        ConnectorError,
        "that is no SSH server",
        "Correct `port:`",
    ),
    "ConnectionLost": CONNECTION_CUT,
    "SFTPConnectionLost": CONNECTION_CUT,
    "SFTPNoConnection": CONNECTION_CUT,
    "ServiceNotAvailable": CONNECTION_CUT,
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
    return refusal(_meaning(error, settings), settings, attempt, key)


def error_table(settings: SftpSettings) -> ErrorTable:
    """The same as a table."""
    return ErrorTable(
        is_vendors=is_vendors,
        may_pass=may_pass,
        translate=lambda error, attempt, key: translate_sftp_error(error, settings, attempt, key),
        bare=bare,
    )


def _meaning(error: BaseException, settings: SftpSettings) -> Meaning:
    if isinstance(error, TransferCutError):
        return cut_short(error, settings)
    for ancestor in type(error).__mro__:
        if ancestor.__name__ in _BY_CLASS:
            return _BY_CLASS[ancestor.__name__]
    if isinstance(error, OSError | EOFError):
        return _network(error, settings)
    words = "".join(c if c.isprintable() else " " for c in str(error))[:_WORDS_SHOWN]
    if is_a(error, "SFTPError"):
        return ConnectorError, f"the server refuses ({words or 'no reason given'})", ""
    return ConnectorError, f"{type(error).__name__}: {words}", ""


def _network(error: BaseException, settings: SftpSettings) -> Meaning:
    if isinstance(error, socket.gaierror):
        return name_unknown(settings)
    if isinstance(error, ConnectionRefusedError):
        return nothing_listens(settings)
    if isinstance(error, TimeoutError):
        return (
            ConnectorUnavailableError,
            "no answer within the time limit",
            "Check network and firewall",
        )
    return CONNECTION_CUT


def refused_host_key(settings: SftpSettings, offered: str, algorithm: str) -> WaybillError:
    """The error about a host key that is not known (T20)."""
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
        " A key that changed without notice may be an interception",
        fingerprint=offered,
    )
