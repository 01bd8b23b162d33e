"""One answer as it comes: ended at its time, counted against what was announced and what may come, and its failures in our words."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    NotFoundError,
    WaybillError,
)
from resources.web.addresses import WebAddress, shown_url

_LOOK_SECONDS = 0.25
"""How often a connection looks whether all is to stop."""
_LENGTH = re.compile(r"\d{1,18}")


class Clock:
    """Ends a connection at its deadline, however slowly bytes drip in, or when all is to stop.

    Args:
        sock: of the connection.
        deadline: on the monotonic clock.
        stopped: ends it before, once it is set.
    """

    def __init__(
        self, sock: socket.socket, deadline: float, stopped: threading.Event | None = None
    ) -> None:
        self._sock = sock
        self._deadline = deadline
        self._stopped = stopped
        self._left = threading.Event()
        self.is_over = False

    def __enter__(self) -> Clock:
        threading.Thread(target=self._watch, name="web-clock", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()

    def _watch(self) -> None:
        while (seconds := self._deadline - time.monotonic()) > 0:
            if self._stopped is not None:
                seconds = min(seconds, _LOOK_SECONDS)
            if self._left.wait(seconds):
                return
            if self._stopped is not None and self._stopped.is_set():
                break
        self.is_over = True
        with contextlib.suppress(OSError):  # closed meanwhile
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


class AnswerBody:
    """Counts what comes against what was announced, and what may come."""

    def __init__(
        self,
        address: WebAddress,
        answer: http.client.HTTPResponse,
        clock: Clock,
        most: int,
    ) -> None:
        self._address = address
        self._answer = answer
        self._clock = clock
        self._most = most
        self._announced = answer.length
        self._count = 0
        if (self._announced or 0) > most:
            raise self._too_much()

    def read(self, amount: int) -> bytes:
        """The next bytes, at most so many; none at the end, which is where it should be."""
        with told(self._address, self._clock):
            chunk = self._answer.read(amount)
        self._count += len(chunk)
        if self._count > self._most:
            raise self._too_much()
        if not chunk and self._announced is not None and self._count < self._announced:
            raise ConnectorUnavailableError(
                f"{shown_url(self._address.url)} was cut off after {self._count} of {self._announced} bytes",
                hint="Try again later",
                rule="cut_off",
            )
        if not chunk and self._clock.is_over:
            raise too_slow(self._address)
        return chunk

    def _too_much(self) -> ConnectorError:
        return ConnectorError(
            f"{shown_url(self._address.url)} has more than the {self._most:,} bytes that it may have",
            hint="Bring a large file into a bucket or folder, and declare a connector for it",
            rule="too_large",
        )


@contextmanager
def told(address: WebAddress, clock: Clock) -> Iterator[None]:
    """What the network says, in our words."""
    try:
        yield
    except WaybillError:
        raise
    except (OSError, http.client.HTTPException) as error:
        if clock.is_over:
            raise too_slow(address) from error
        if not isinstance(error, OSError | http.client.IncompleteRead):
            raise ConnectorError(
                f"{shown_url(address.url)}: what the server sends is no HTTP ({type(error).__name__})",
                hint="The server's operator must mend it",
                rule="unexpected_answer",
            ) from error
        raise ConnectorUnavailableError(
            f"{shown_url(address.url)}: the connection was cut ({error or type(error).__name__})",
            hint="Try again later",
            rule="cut_off",
        ) from error


def too_slow(address: WebAddress) -> ConnectorUnavailableError:
    """The error of an answer that was ended at its time."""
    return ConnectorUnavailableError(
        f"{shown_url(address.url)} did not answer whole within its time",
        hint="Try again later",
        rule="timeout",
    )


def unreachable(
    address: WebAddress, error: Exception | None, *, is_late: bool
) -> ConnectorUnavailableError:
    """The error of an address to which no connection could be made."""
    rule = "tls" if isinstance(error, ssl.SSLError) else "unreachable"
    if is_late or isinstance(error, TimeoutError):
        rule = "timeout"
    return ConnectorUnavailableError(
        f"{shown_url(address.url)} cannot be reached ({error})", hint="Try again later", rule=rule
    )


def start_of(answer: http.client.HTTPResponse, limit: int) -> bytes:
    """The first bytes of an answer. Its status is known, so what cuts the rest off is no error."""
    start = b""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        while len(start) < limit and (chunk := answer.read1(limit - len(start))):
            start += chunk
    return start


def check_answer(address: WebAddress, answer: http.client.HTTPResponse, *, as_sent: bool) -> None:
    """Refuses an answer that is no file.

    Raises:
        WaybillError: its status says no, it is encoded, or its length cannot be.
    """
    _check_status(answer.status, shown_url(address.url), answer.getheader("Retry-After", ""))
    encoding = answer.getheader("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity") and not as_sent:
        raise ConnectorError(
            f"{shown_url(address.url)}: the answer is encoded as {encoding!r}, unasked",
            hint="The server must send files as they are",
            rule="encoded",
        )
    lengths = set(answer.headers.get_all("Content-Length") or ())
    if len(lengths) > 1 or any(not _LENGTH.fullmatch(one) for one in lengths):
        raise ConnectorError(
            f"{shown_url(address.url)}: the answer announces a length that cannot be: {sorted(lengths)}",
            hint="The server's operator must mend it",
            rule="wrong_length",
        )


def _check_status(status: int, where: str, retry_after: str) -> None:
    later = {"retry_after": retry_after} if retry_after else {}
    if status in (404, 410):
        raise NotFoundError(
            f"{where} is not there (status {status})", hint="Check the address", rule="not_found"
        )
    if status in (401, 403):
        raise ConnectorAuthError(
            f"{where} may not be read (status {status})",
            hint="Only what is open to all is read by https; for the rest declare a connector",
            rule="forbidden",
        )
    if status == 429 or status >= 500:
        raise ConnectorUnavailableError(
            f"{where}: status {status}",
            hint="Try again later",
            rule="rate_limited" if status == 429 else "server_error",
            status=status,
            **later,
        )
    if not 200 <= status < 300:
        raise ConnectorError(
            f"{where}: status {status} is no file",
            hint="Check the address",
            rule="unexpected_answer",
            status=status,
        )
