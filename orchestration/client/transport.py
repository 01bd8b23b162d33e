"""Requests to a server of Waybill: signed in, tried again where that is harmless, problems raised as our own errors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from orchestration.services.statuses import STATUSES
from resources.kernel.errors import (
    ConflictError,
    ConnectorUnavailableError,
    ForbiddenError,
    InputError,
    NotFoundError,
    WaybillError,
)

URL_VARIABLE, TOKEN_VARIABLE = "WAYBILL_URL", "WAYBILL_TOKEN"
DEFAULT_URL = "http://127.0.0.1:3000"
CONNECT_SECONDS, READ_SECONDS = 10.0, 120.0
TRIES = 4
CHUNK_BYTES = 1_000_000
_BLOCK_BYTES = 256 * 1024
"""Of a body that is read while it is sent."""
T = TypeVar("T")
_KINDS = {name: kind for kind, (_, name) in STATUSES.items()}
# What has no name of ours: requests that the guard, the framework or a proxy refuses.
_BY_STATUS: dict[int, type[WaybillError]] = {
    400: InputError,
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: InputError,
    415: InputError,
    422: InputError,
    423: ConflictError,
    429: ConnectorUnavailableError,
    502: ConnectorUnavailableError,
    503: ConnectorUnavailableError,
    504: ConnectorUnavailableError,
}


@dataclass
class Transport:
    """A connection to a server.

    Args:
        url: where it answers; `WAYBILL_URL` by default.
        token: signs in; `WAYBILL_TOKEN` by default, none where the server asks for none.
    """

    url: str = ""
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Opens nothing yet."""
        self.url = (self.url or os.environ.get(URL_VARIABLE, DEFAULT_URL)).rstrip("/")
        token = self.token or os.environ.get(TOKEN_VARIABLE, "")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc behind the caller's back (T6)
        address = urlsplit(self.url)
        # Says that no page of a browser caused it: a request without a body is taken for a form else.
        self._session.headers["Origin"] = f"{address.scheme}://{address.netloc}"
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        # A request that starts work has a key and may be sent again; one that has none may not.
        again = Retry(TRIES, backoff_factor=0.3, status_forcelist=(429, 503), allowed_methods=None)
        self._session.mount(self.url, HTTPAdapter(max_retries=again))
        self._once = requests.Session()
        self._once.trust_env = False
        self._once.mount(self.url, _InBlocks())
        self._once.headers.update(self._session.headers)

    def get(self, path: str, kind: type[T], /, **query: Any) -> T:
        """The answer to a GET, as `kind`."""
        return self._decoded(self._send("GET", path, params=_plain(query)), kind)

    def pages(self, path: str, kind: type[T], /, **query: Any) -> Iterator[T]:
        """Every item of a list, however many pages it has."""
        cursor: str | None = None
        while True:
            found = self.get(path, dict[str, Any], cursor=cursor, **query)
            for item in found["items"]:
                yield msgspec.convert(item, kind)
            cursor = found["next"]
            if cursor is None:
                return

    def send(self, method: str, path: str, kind: type[T], body: Any = None, *, key: str = "") -> T:
        """The answer to a request that changes something.

        Args:
            method: of HTTP.
            path: below `/api/v1`.
            kind: what the answer is read as.
            body: sent as JSON.
            key: makes it safe to send again: the server does once what comes twice.
        """
        headers = {"Idempotency-Key": key} if key else {}
        return self._decoded(
            self._send(method, path, json=body, headers=headers, again=bool(key)), kind
        )

    def stream(self, path: str, /, **query: Any) -> requests.Response:
        """An answer whose body is read while it arrives; the caller closes it."""
        return self._send("GET", path, params=_plain(query), stream=True)

    def raw(self, method: str, path: str, **options: Any) -> requests.Response:
        """An answer as it is, for what is no JSON."""
        return self._send(method, path, **options)

    def save(self, answer: requests.Response, target: Path) -> None:
        """Writes the body of an answer to a file, which is there when it is whole.

        Raises:
            ConnectorUnavailableError: the line was cut.
        """
        scratch = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with scratch.open("wb") as file:
                for chunk in answer.iter_content(CHUNK_BYTES):
                    file.write(chunk)
            scratch.replace(target)
        except requests.RequestException as error:
            raise ConnectorUnavailableError(
                f"the download of {target.name} was cut off", hint="Try again"
            ) from error
        finally:
            scratch.unlink(missing_ok=True)

    def _send(
        self, method: str, path: str, *, again: bool = True, **options: Any
    ) -> requests.Response:
        session = self._session if again else self._once
        try:
            answer = session.request(
                method,
                path if path.startswith("http") else f"{self.url}/api/v1{path}",
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                **options,
            )
        except requests.RequestException as error:
            raise ConnectorUnavailableError(
                f"{method} {path}: {self.url} does not answer: {type(error).__name__}",
                hint="Is `waybill up` running there?",
            ) from error
        if answer.status_code >= 300:
            with answer:
                raise _error(answer)
        return answer

    def _decoded(self, answer: requests.Response, kind: type[T]) -> T:
        if kind is type(None):
            return None
        return msgspec.json.decode(answer.content, type=kind, strict=False)


class _InBlocks(HTTPAdapter):  # type: ignore[misc]  # requests has no types
    """Sends a body that is read from a file in larger blocks than it does by itself."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As `requests` has it."""
        super().init_poolmanager(*args, blocksize=_BLOCK_BYTES, **options)


def _error(answer: requests.Response) -> WaybillError:
    """The error that an answer tells of."""
    by_status = _BY_STATUS.get(answer.status_code, WaybillError)
    try:
        told = answer.json()
        kind = named_error(str(told["type"]).rpartition("#problem-")[2], by_status)
        return kind.rebuild(told["detail"], told.get("hint", ""), told.get("facts", {}))
    except (ValueError, KeyError, TypeError):
        return by_status.rebuild(
            f"{answer.request.method} {answer.request.path_url}: {answer.status_code} {answer.reason}",
            "Is this the address of a Waybill server?",
            {},
        )


def named_error(name: str, other: type[WaybillError] = WaybillError) -> type[WaybillError]:
    """The class of errors that a problem names; `other` for one that has no name of ours."""
    return _KINDS.get(name, other)


def part(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")


def _plain(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value not in (None, "", ())}
