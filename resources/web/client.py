"""One GET after another, each to an address that was judged, within limits. The order is argued in the package."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from urllib.parse import urljoin

from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    NotFoundError,
    WaybillError,
)
from resources.web.addresses import (
    PORT,
    WebAddress,
    check_addresses,
    check_url,
    refused,
    shown_url,
)

USER_AGENT = f"Waybill/{version('waybill')}"
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class WebLimits:
    """What one answer may take (T5)."""

    bytes: int = 20_000_000
    seconds: float = 30.0
    """From the first connection to the last byte, redirects included."""
    redirects: int = 5


def _resolve(host: str) -> list[str]:
    found = socket.getaddrinfo(host, PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _dial(address: str, seconds: float) -> socket.socket:
    return socket.create_connection((address, PORT), seconds)


@dataclass(frozen=True)
class Network:
    """How names are looked up and connections are made; the system's own ways."""

    resolve: Callable[[str], list[str]] = _resolve
    connect: Callable[[str, float], socket.socket] = _dial
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context


NETWORK = Network()
"""What a client has that was given none."""


@dataclass
class WebAnswer:
    """What came back, its body still on the way."""

    url: str
    """Where it came from, after all redirects."""
    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    _read: Callable[[int], bytes] = field(repr=False)

    def read(self) -> bytes:
        """The whole body; raises as `chunks` does."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece.

        Raises:
            ConnectorError: it has more bytes than it may have.
            ConnectorUnavailableError: cut off before its length, or not there in time (E5).
        """
        while chunk := self._read(_CHUNK_BYTES):
            yield chunk


@dataclass(frozen=True)
class WebReply:
    """What was answered to something that was sent."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    start: bytes
    """The beginning of the body: as much as may be read, and as came in time."""


class WebClient:
    """Asks public addresses; for many threads at once, and nothing is kept between two requests."""

    def __init__(self, limits: WebLimits | None = None, network: Network | None = None) -> None:
        self.limits = limits or WebLimits()
        self._network = network or NETWORK

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str] | None = None, limits: WebLimits | None = None
    ) -> Iterator[WebAnswer]:
        """The answer to a GET, redirects followed; its body is read within the context.

        Args:
            url: an address.
            headers: of the request: `Range`, `If-Match` and the like.
            limits: of this answer, instead of the client's.

        Raises:
            InputError: an address that may not be asked for, at any hop (T1 to T4).
            NotFoundError: 404 or 410.
            ConnectorAuthError: 401 or 403.
            ConnectorUnavailableError: unreachable, 429 or a server's own error, too slow, cut off.
            ConnectorError: any other refusal, a certificate that does not hold, an encoded body.
        """
        limits = limits or self.limits
        deadline = time.monotonic() + limits.seconds
        address = check_url(url)
        for _ in range(limits.redirects + 1):
            with self._sent(address, headers or {}, deadline) as (answer, clock):
                leads_to = answer.getheader("Location")
                if answer.status not in _REDIRECTS or leads_to is None:
                    _check_answer(address, answer)
                    body = _Body(address, answer, clock, limits)
                    told = {name.lower(): value for name, value in answer.getheaders()}
                    yield WebAnswer(address.url, answer.status, told, body.read)
                    return
            address = check_url(urljoin(address.url, leads_to))
        raise refused(url, f"it was sent on more than {limits.redirects} times")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> WebReply:
        """Sends something to an address; the answer counts whatever its status is, and leads nowhere else.

        Args:
            url: an address.
            body: what is sent.
            headers: of the request.

        Raises:
            InputError: an address that may not be asked for (T1 to T3).
            ConnectorUnavailableError: unreachable, too slow to answer, cut off before the answer began.
            ConnectorError: a certificate that does not hold.
        """
        deadline = time.monotonic() + self.limits.seconds
        address = check_url(url)
        with self._sent(address, headers, deadline, body) as (answer, clock):
            if clock.is_over:  # cut headers look like whole ones
                raise _too_slow(address)
            told = {name.lower(): value for name, value in answer.getheaders()}
            return WebReply(answer.status, told, _start_of(answer, self.limits.bytes))

    @contextmanager
    def _sent(
        self,
        address: WebAddress,
        headers: Mapping[str, str],
        deadline: float,
        body: bytes | None = None,
    ) -> Iterator[tuple[http.client.HTTPResponse, _Clock]]:
        connection = self._connected(address, deadline)
        with contextlib.closing(connection), _Clock(connection.sock, deadline) as clock:
            with _told(address, clock):
                connection.request(
                    "GET" if body is None else "POST",
                    address.target,
                    body,
                    headers={
                        "User-Agent": USER_AGENT,
                        "Accept-Encoding": "identity",  # nothing that grows while it is unpacked
                        "Connection": "close",
                        **headers,
                    },
                )
                answer = connection.getresponse()
            with contextlib.closing(answer):
                yield answer, clock

    def _connected(self, address: WebAddress, deadline: float) -> http.client.HTTPSConnection:
        """A connection to one of the addresses judged: the name is looked up once, here (T3)."""
        try:
            found = self._network.resolve(address.host)
        except OSError as error:
            raise ConnectorUnavailableError(
                f"{shown_url(address.url)}: the name {address.host} cannot be looked up ({error})",
                hint="Check the name, and that this machine reaches a name server",
            ) from error
        last: Exception | None = None
        tls = self._network.tls()
        for ip in check_addresses(address.url, address.host, found):
            connection = http.client.HTTPSConnection(address.host, PORT, context=tls)
            try:
                plain = self._network.connect(ip, max(deadline - time.monotonic(), 0.001))
                try:
                    with _Clock(plain, deadline):
                        connection.sock = tls.wrap_socket(plain, server_hostname=address.host)
                except BaseException:
                    plain.close()
                    raise
            except ssl.SSLCertVerificationError as error:
                raise ConnectorError(
                    f"{shown_url(address.url)}: the certificate does not hold: {error.verify_message}",
                    hint="The server's operator must mend it",
                ) from error
            except OSError as error:
                last = error
            else:
                return connection
        raise ConnectorUnavailableError(
            f"{shown_url(address.url)} cannot be reached ({last})", hint="Try again later"
        ) from last


def _start_of(answer: http.client.HTTPResponse, limit: int) -> bytes:
    """The first bytes of an answer. Its status is known, so what cuts the rest off is no error."""
    start = b""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        while len(start) < limit and (chunk := answer.read1(limit - len(start))):
            start += chunk
    return start


class _Clock:
    """Ends a connection at its deadline, however slowly bytes drip in."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self.is_over = False
        self._timer = threading.Timer(max(deadline - time.monotonic(), 0), self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Clock:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        with contextlib.suppress(OSError):  # closed meanwhile
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


class _Body:
    """Counts what comes against what was announced, and what may come."""

    def __init__(
        self,
        address: WebAddress,
        answer: http.client.HTTPResponse,
        clock: _Clock,
        limits: WebLimits,
    ) -> None:
        self._address = address
        self._answer = answer
        self._clock = clock
        self._limits = limits
        self._announced = answer.length
        self._count = 0
        if (self._announced or 0) > limits.bytes:
            raise self._too_much()

    def read(self, amount: int) -> bytes:
        with _told(self._address, self._clock):
            chunk = self._answer.read(amount)
        self._count += len(chunk)
        if self._count > self._limits.bytes:
            raise self._too_much()
        if not chunk and self._announced is not None and self._count < self._announced:
            raise ConnectorUnavailableError(
                f"{shown_url(self._address.url)} was cut off after {self._count} of {self._announced} bytes",
                hint="Try again later",
            )
        if not chunk and self._clock.is_over:
            raise _too_slow(self._address)
        return chunk

    def _too_much(self) -> ConnectorError:
        return ConnectorError(
            f"{shown_url(self._address.url)} has more than the {self._limits.bytes:,} bytes that it may have",
            hint="Bring a large file into a bucket or folder, and declare a connector for it",
        )


@contextmanager
def _told(address: WebAddress, clock: _Clock) -> Iterator[None]:
    """What the network says, in our words."""
    try:
        yield
    except WaybillError:
        raise
    except (OSError, http.client.HTTPException) as error:
        if clock.is_over:
            raise _too_slow(address) from error
        raise ConnectorUnavailableError(
            f"{shown_url(address.url)}: the connection was cut ({error or type(error).__name__})",
            hint="Try again later",
        ) from error


def _too_slow(address: WebAddress) -> ConnectorUnavailableError:
    return ConnectorUnavailableError(
        f"{shown_url(address.url)} did not answer whole within its time", hint="Try again later"
    )


def _check_answer(address: WebAddress, answer: http.client.HTTPResponse) -> None:
    status, where = answer.status, shown_url(address.url)
    if status in (404, 410):
        raise NotFoundError(f"{where} is not there (status {status})", hint="Check the address")
    if status in (401, 403):
        raise ConnectorAuthError(
            f"{where} may not be read (status {status})",
            hint="Only what is open to all is read by https; for the rest declare a connector",
        )
    if status == 429 or status >= 500:
        raise ConnectorUnavailableError(f"{where}: status {status}", hint="Try again later")
    if not 200 <= status < 300:
        raise ConnectorError(
            f"{where}: status {status} is no file", hint="Check the address", status=status
        )
    if answer.getheader("Content-Encoding", "identity").lower() != "identity":
        raise ConnectorError(
            f"{where}: the answer is encoded as {answer.getheader('Content-Encoding')!r}, unasked",
            hint="The server must send files as they are",
        )
