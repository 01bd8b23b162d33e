"""What `connector test` tries, one thing after another: each way to fail has its own step and its own words (F036).

The way to a server is tried with a socket of our own before the driver, because drivers say of an unknown name, a closed
port and a silent host the same.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from resources.connectors.sql.config import SqlConfig
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorUnavailableError,
    NotFoundError,
    WaybillError,
)
from resources.kernel.records import CheckReport, TellStep

Attempt = Callable[[], str]
_HEADERS = {"sqlite": b"SQLite format 3\0"}


class Checked(Protocol):
    """What is tested."""

    config: SqlConfig

    def probe(self) -> dict[str, str]:
        """Signs in and asks who and what is there."""

    def encryption(self) -> str:
        """How the connection is encrypted, in words; empty where the driver does not say."""

    def rights(self) -> str:
        """What the user may do, in words."""


def run_checks(connector: Checked, tell: TellStep | None = None) -> CheckReport:
    """Tries one step after another; the first that fails is the last."""
    started = time.perf_counter()
    facts: dict[str, str] = {}
    stages = Stages(tell)
    for name, attempt in _steps(connector, facts):
        stages.enter(name)
        try:
            detail = attempt()
        except WaybillError as error:
            if name == "login" and isinstance(error, ConfigError) and "TLS" in str(error):
                stages.enter("TLS")
            return stages.refused(str(error), {"error": type(error).__name__})
        if detail:
            stages.done(detail)
    facts["milliseconds"] = f"{(time.perf_counter() - started) * 1000:.0f}"
    return stages.answered(f"{connector.config.location} answers", facts)


def _steps(connector: Checked, facts: dict[str, str]) -> Iterator[tuple[str, Attempt]]:
    config = connector.config

    def sign_in() -> str:
        facts.update(connector.probe())
        user = facts.get("user") or config.username
        return f"{facts.get('version', 'the database')} answers" + (f" user {user}" if user else "")

    if config.path is not None:
        yield "exists", lambda: _find_file(config)
        yield "readable", lambda: _open_file(config)
        yield "database", sign_in
        yield "rights", connector.rights
        yield "writable", lambda: _look_at_rights(config)
        return
    if config.host and not config.host.startswith("/") and config.effective_port:
        yield "name resolution", lambda: _resolve(config)
        yield "port", lambda: _reach(config)
    yield "login", sign_in
    yield "TLS", connector.encryption
    yield "rights", connector.rights


def _resolve(config: SqlConfig) -> str:
    try:
        found = socket.getaddrinfo(config.host, config.effective_port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # a part of the name is empty or too long
        reason = getattr(error, "strerror", None) or error
        raise ConnectorUnavailableError(
            f"the host name {config.host!r} is unknown here: {reason}",
            hint="Check `host`, and the name server of this machine",
        ) from error
    addresses = dict.fromkeys(str(item[4][0]) for item in found)
    return f"{config.host} is {', '.join(list(addresses)[:4])}"


def _reach(config: SqlConfig) -> str:
    place = (config.host or "", config.effective_port)
    try:
        with socket.create_connection(place, timeout=config.connect_timeout_seconds):
            return f"{place[0]}:{place[1]} is open"
    except OSError as error:
        silent = isinstance(error, TimeoutError)
        raise ConnectorUnavailableError(
            f"{place[0]}:{place[1]}: "
            + ("no answer" if silent else f"nothing listens there ({error.strerror or error})"),
            hint="A firewall may drop the packets"
            if silent
            else "Check `port`, and that the server runs and listens on that address",
        ) from error


def _find_file(config: SqlConfig) -> str:
    if config.path is None or not config.path.is_file():
        raise NotFoundError(f"there is no database file {config.path}", hint="Check `path`")
    return f"{config.path}, {config.path.stat().st_size:,} bytes"


def _open_file(config: SqlConfig) -> str:
    assert config.path is not None  # noqa: S101 - the step before found it
    try:
        with config.path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ConnectorAuthError(
            f"{config.path} cannot be read: {error.strerror}",
            hint="Give the user that runs Waybill the right to read it",
        ) from error
    known = _HEADERS.get(config.dialect)
    return "it is empty" if not head else "its beginning is right" if head == known else "it opens"


def _look_at_rights(config: SqlConfig) -> str:
    assert config.path is not None  # noqa: S101 - a step before found it
    if os.access(config.path, os.W_OK) and os.access(config.path.absolute().parent, os.W_OK):
        return "the file and its folder can be written"
    return "read only: an export would be refused"
