"""What refusals of file servers have in common, FTP or SFTP: their words, and transfers that end before their end.

Here: meanings that do not depend on the protocol. Not here: which error of a library has which meaning, one table a
protocol (`ftp/errors.py`, `sftp/errors.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from resources.connectors.files.key_patterns import shown
from resources.kernel.errors import ConnectorUnavailableError, NotFoundError, WaybillError

Meaning = tuple[type[WaybillError], str, str]
"""Which error it is, the reason, and the hint."""

CONNECTION_CUT: Meaning = (
    ConnectorUnavailableError,
    "the connection was cut",
    "Try again later",
)


class ServerSettings(Protocol):
    """What is known of every file server: see the settings of each protocol."""

    @property
    def name(self) -> str:
        """The connector's name."""

    @property
    def host(self) -> str:
        """The server's name or address."""

    @property
    def real_port(self) -> int:
        """The port to connect to."""

    @property
    def username(self) -> str:
        """Who signs in."""

    @property
    def root(self) -> str:
        """The folder that keys start from: absolute, or below the folder that the account starts in."""

    @property
    def address(self) -> str:
        """The server as texts name it."""

    @property
    def facts(self) -> dict[str, str]:
        """What a test of the connection shows first: where the server is, who signs in."""

    @property
    def timeout_seconds(self) -> float:
        """The longest silence of the server."""


@dataclass(frozen=True)
class ErrorTable:
    """What the errors of a protocol's library mean."""

    is_vendors: Callable[[Exception], bool]
    """Whether an error is the library's or the network's, to be put into our words."""
    may_pass: Callable[[Exception], bool]
    """Whether the same may go well a moment later."""
    translate: Callable[[Exception, str, str], WaybillError]
    """The error in our words; what was attempted, and the key it was about."""
    bare: Callable[[Exception], BaseException]
    """The error without what may hold secrets (T27)."""


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


def refusal(
    meaning: Meaning, settings: ServerSettings, attempt: str, key: str = "", **facts: object
) -> WaybillError:
    """The error that says what was attempted where, and what it means.

    Args:
        meaning: of the error as it came.
        settings: of the connector.
        attempt: what was attempted: `read`, `list`.
        key: what it was about.
        facts: what else machines may want to know.
    """
    kind, reason, hint = meaning
    what = f"{attempt} {shown(key)} on" if key else attempt
    return kind(
        f"connector {settings.name!r}: cannot {what} {settings.address}: {reason}",
        hint=hint,
        connector=settings.name,
        key=key,
        **facts,
    )


def no_such(settings: ServerSettings, key: str) -> NotFoundError:
    """The error about a key that nothing stands at."""
    return NotFoundError(
        f"connector {settings.name!r}: no file {shown(key)} on {settings.address}",
        hint="It was never there, or has been moved or deleted since it was listed",
        key=key,
    )


def cut_short(error: TransferCutError, settings: ServerSettings) -> Meaning:
    """What a transfer that ended before its end means."""
    reached = f"{error.reached} of {error.total} bytes"
    if isinstance(error.__cause__, TimeoutError):
        reason = f"nothing came for {settings.timeout_seconds:g} s after {reached}"
    else:
        reason = f"it was cut off after {reached}"
    return ConnectorUnavailableError, reason, "Check the network and the server, then try again"


def name_unknown(settings: ServerSettings) -> Meaning:
    """The server's name leads nowhere."""
    return (
        ConnectorUnavailableError,
        f"the name {settings.host!r} is not known here",
        "Correct `host:`, or check the DNS",
    )


def nothing_listens(settings: ServerSettings) -> Meaning:
    """No program takes connections there."""
    return (
        ConnectorUnavailableError,
        f"nothing listens at port {settings.real_port}",
        "Correct `host:` and `port:`, and check that the server runs",
    )
