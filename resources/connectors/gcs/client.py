"""How Google Cloud Storage is reached: credentials, sessions, limits, and the one place where requests are made.

The JSON API is spoken directly over Google's own authorized sessions (`google.auth`): every read can name the generation
it wants, nothing waits longer than the limits here, and what the service refuses arrives as it was said.

Why not google-cloud-storage, which is installed anyway (gcsfs needs it)? 3.17.1 was tried for all of this folder beside
this client, with its retries and checksums off, against fake-gcs-server in another process. It took, in times of ours:

| what | CPU | wall time |
|---|---|---|
| listing 1,500 objects | 2.0 | 2.0 |
| 1,500 objects of 4 kB, 32 threads | 1.1 | 1.1 |
| looking at 300 objects one by one | 1.1 | 1.1 |
| one object of 160 MB down, in parts: it copies blocks of 8 kB | 4.4 | 2.8 |
| the same up: a request for each 8 MiB (by default 100 MiB in memory) | 1.0 | 4.8 |

Its import adds 0.3 s of CPU, 159 modules and 17 MB to a process that has Dagster.

And it loses what is proven here. An upload is not asked how far it got: after a cut it sends its whole block again, and
a service that kept none of it (308 without `Range`) is an error. A download's `Content-Range` and generation are not
shown, so a service that ignores ranges or conditions goes unseen. Refused downloads lose the service's reason, by which
too many requests (403 `rateLimitExceeded`) differ from a lack of rights. Redirects are followed. And threads of its own
ask for the bucket's metadata, a right that readers of objects need not have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from resources.connectors.gcs.errors import GcsRefusal
from resources.kernel.errors import ConfigError, WaybillError
from resources.kernel.retries import RetryPolicy

DEFAULT_ENDPOINT = "https://storage.googleapis.com"
CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 60.0
RETRIES = RetryPolicy(4, pause_seconds=0.5, jitter=0.5)
"""Of one request, where asking again can help."""
CONNECTIONS = 48

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"


@dataclass(frozen=True)
class GcsSettings:
    """How the service is reached and as whom."""

    endpoint_url: str | None = None
    """Address of an emulator; Google when None."""
    project: str = ""
    """The project that pays for requests, where that is not the bucket's."""
    credentials_file: str = ""
    """A file with credentials: a service account's key or what `gcloud` makes."""
    anonymous: bool = False
    """Without credentials: public buckets, emulators."""

    @property
    def base(self) -> str:
        """What every address begins with."""
        return self.endpoint_url or DEFAULT_ENDPOINT


@dataclass(frozen=True)
class Call:
    """One request, `target` below `/storage/v1/b/<bucket>` or a whole address."""

    target: str = ""
    method: str = "GET"
    query: Mapping[str, str | int | list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    stream: bool = False
    accepted: frozenset[int] = frozenset({200, 201, 204, 206})


class BucketSession:
    """Requests about one bucket, from many threads at once."""

    def __init__(self, settings: GcsSettings, bucket: str, credentials: Any) -> None:
        import google.auth.transport.requests as transport
        from requests.adapters import HTTPAdapter

        self.credentials = credentials
        self._settings = settings
        self._bucket = bucket
        refreshing = transport.Request()
        self._http = transport.AuthorizedSession(credentials, auth_request=refreshing)
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=CONNECTIONS)
        for scheme in ("https://", "http://"):
            self._http.mount(scheme, adapter)

    def address(self, target: str, *, upload: bool = False) -> str:
        """Where requests about the bucket go; `target` is quoted already."""
        way = "/upload" if upload else ""
        return f"{self._settings.base}{way}/storage/v1/b/{quote(self._bucket, safe='')}{target}"

    def ask(self, call: Call) -> Any:
        """The answer, a `requests.Response`.

        Raises:
            GcsRefusal: another status than accepted, after all tries.
            requests.RequestException: no answer, after all tries.
            google.auth.exceptions.GoogleAuthError: no valid credentials.
        """
        return RETRIES.run(lambda: self.ask_once(call), may_pass=_may_pass)

    def ask_once(self, call: Call) -> Any:
        """The same in a single try, for calls that know better how to go on."""
        target = call.target if "://" in call.target else self.address(call.target)
        query: dict[str, Any] = dict(call.query)
        if self._settings.project:
            query["userProject"] = self._settings.project
        answer = self._http.request(
            call.method,
            target,
            params=query if "upload_id=" not in target else None,
            headers=dict(call.headers),
            data=call.body,
            stream=call.stream,
            timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
            allow_redirects=False,
        )
        if answer.status_code in call.accepted:
            return answer
        with answer:
            raise GcsRefusal.of(answer.status_code, answer.content[:20_000])


def _may_pass(error: Exception) -> bool:
    import requests

    if isinstance(error, GcsRefusal):
        return error.is_busy
    is_cut = isinstance(error, requests.ConnectionError | requests.Timeout)
    return is_cut and not isinstance(error, requests.exceptions.SSLError)


def object_target(full: str) -> str:
    """The target of requests about one object."""
    return f"/o/{quote(full, safe='')}"


def find_credentials(name: str, settings: GcsSettings, credentials_json: str) -> Any:
    """The credentials that the settings ask for; Google's default chain when they ask for none.

    Raises:
        ConfigError: text or a file that holds no credentials. What it holds is not repeated.
        google.auth.exceptions.GoogleAuthError: the chain found nothing.
    """
    import google.auth
    from google.auth.credentials import AnonymousCredentials

    if settings.anonymous:
        return AnonymousCredentials()
    if credentials_json:
        return _loaded(name, "credentials_json", lambda: _from_text(credentials_json))
    if settings.credentials_file:
        path = settings.credentials_file
        return _loaded(
            name,
            "credentials_file",
            lambda: google.auth.load_credentials_from_file(path, scopes=[_SCOPE])[0],
        )
    return google.auth.default(scopes=[_SCOPE])[0]


def _from_text(text: str) -> Any:
    import google.auth

    return google.auth.load_credentials_from_dict(json.loads(text), scopes=[_SCOPE])[0]


def _loaded(name: str, attribute: str, load: Callable[[], Any]) -> Any:
    from google.auth.exceptions import GoogleAuthError

    problem = ""
    try:
        return load()
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror or type(error).__name__})"
    except (ValueError, TypeError, KeyError, AttributeError, GoogleAuthError):
        problem = (
            "it holds no credentials of Google"  # the reasons that libraries give quote the content
        )
    raise _no_credentials(name, attribute, problem)


def _no_credentials(name: str, attribute: str, problem: str) -> WaybillError:
    return ConfigError(
        f"connector {name!r}: `{attribute}:` is of no use: {problem}",
        hint="Give the JSON of a service account's key, or of `gcloud auth application-default login`",
    )
