"""One GET after another, each to an address that was judged, within limits. The order is argued in the package."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from urllib.parse import urljoin

from resources.kernel.errors import (
    ConnectorError,
    ConnectorUnavailableError,
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
from resources.web.answers import (
    AnswerBody,
    Clock,
    check_answer,
    start_of,
    told,
    too_slow,
    unreachable,
)

AGENT = "Waybill"
"""The name that robots.txt and the like know us by."""
USER_AGENT = f"{AGENT}/{version('waybill')}"
_CONNECT_SECONDS = 10.0
"""One address of several may be dead."""
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
    """By names in lower case; of those that came several times the last."""
    fields: Sequence[tuple[str, str]]
    """All of them, as they came."""
    _read: Callable[[int], bytes] = field(repr=False)

    def every(self, name: str) -> list[str]:
        """The values of a header that may come several times."""
        return [value for given, value in self.fields if given.lower() == name.lower()]

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
    """Asks public addresses; for many threads at once, and nothing of one request is kept for the next.

    Args:
        limits: of each answer.
        network: how it is reached; the process's own when left out.
        user_agent: what it calls itself.
        stopped: once it is set, all requests end as if their time were over.
    """

    def __init__(
        self,
        limits: WebLimits | None = None,
        network: Network | None = None,
        user_agent: str = USER_AGENT,
        stopped: threading.Event | None = None,
    ) -> None:
        self.limits = limits or WebLimits()
        self._network = network or NETWORK
        self._user_agent = user_agent
        self._stopped = stopped

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Whose certificates are trusted: to read them all takes 25 ms of processor time, so it is done once."""
        return self._network.tls()

    @contextmanager
    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        limits: WebLimits | None = None,
        *,
        before: Callable[[WebAddress], None] | None = None,
        expected: Collection[int] = (),
        as_sent: bool = False,
    ) -> Iterator[WebAnswer]:
        """The answer to a GET, redirects followed; its body is read within the context.

        Each error of one address has its rule in `facts` (`failures.py`).

        Args:
            url: an address.
            headers: of the request: `Range`, `If-Match` and the like.
            limits: of this answer, instead of the client's.
            before: is told each address before it is asked; it may wait, which costs no time of the answer's, or raise.
            expected: statuses below 400 that are answers too, such as 304.
            as_sent: an encoded body is handed on as it came, instead of refused.

        Raises:
            InputError: an address that may not be asked for, at any hop (T1 to T4).
            NotFoundError: 404 or 410.
            ConnectorAuthError: 401 or 403.
            ConnectorUnavailableError: unreachable, 429 or a server's own error, too slow, cut off.
            ConnectorError: any other refusal, a certificate that does not hold, an encoded body.
        """
        limits = limits or self.limits
        left = limits.seconds
        address = check_url(url)
        for _ in range(limits.redirects + 1):
            if before:
                before(address)
            began = time.monotonic()
            with self._sent(address, headers or {}, began + left) as (answer, clock):
                if clock.is_over:  # cut headers look like whole ones
                    raise too_slow(address)
                leads_to = answer.getheader("Location")
                if answer.status not in _REDIRECTS or leads_to is None:
                    if answer.status not in expected:
                        check_answer(address, answer, as_sent=as_sent)
                    yield _answer(address, answer, AnswerBody(address, answer, clock, limits.bytes))
                    return
            left -= time.monotonic() - began
            address = _next(address, leads_to)
        raise refused(url, f"it was sent on more than {limits.redirects} times", "redirects")

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
                raise too_slow(address)
            given = {name.lower(): value for name, value in answer.getheaders()}
            return WebReply(answer.status, given, start_of(answer, self.limits.bytes))

    @contextmanager
    def _sent(
        self,
        address: WebAddress,
        headers: Mapping[str, str],
        deadline: float,
        body: bytes | None = None,
    ) -> Iterator[tuple[http.client.HTTPResponse, Clock]]:
        connection = self._connected(address, deadline)
        with (
            contextlib.closing(connection),
            Clock(connection.sock, deadline, self._stopped) as clock,
        ):
            with told(address, clock):
                connection.request(
                    "GET" if body is None else "POST",
                    address.target,
                    body,
                    headers={
                        "User-Agent": self._user_agent,
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
                rule="dns",
            ) from error
        last: Exception | None = None
        for ip in check_addresses(address.url, address.host, found):
            connection = http.client.HTTPSConnection(address.host, PORT, context=self._tls)
            try:
                left = min(deadline - time.monotonic(), _CONNECT_SECONDS)
                plain = self._network.connect(ip, max(left, 0.001))
                try:
                    with Clock(plain, deadline, self._stopped):
                        connection.sock = self._tls.wrap_socket(plain, server_hostname=address.host)
                except BaseException:
                    plain.close()
                    raise
            except ssl.SSLCertVerificationError as error:
                raise ConnectorError(
                    f"{shown_url(address.url)}: the certificate does not hold: {error.verify_message}",
                    hint="The server's operator must mend it",
                    rule="tls",
                ) from error
            except OSError as error:
                last = error
            else:
                return connection
        raise unreachable(address, last, is_late=time.monotonic() >= deadline) from last


def _answer(address: WebAddress, answer: http.client.HTTPResponse, body: AnswerBody) -> WebAnswer:
    fields = answer.getheaders()
    given = {name.lower(): value for name, value in fields}
    return WebAnswer(address.url, answer.status, given, fields, body.read)


def _next(address: WebAddress, leads_to: str) -> WebAddress:
    """Where an address sends on to, judged like the first one."""
    try:
        return check_url(urljoin(address.url, leads_to))
    except ValueError as error:
        if isinstance(error, WaybillError):
            raise
        raise refused(address.url, "it sends on to what is no address") from error
