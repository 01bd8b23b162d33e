"""Imports from buckets under faults: the whole source or a clear error, and the old version stays (E5, E40, E41, E47)."""

from __future__ import annotations

import gc
import http.client
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from assets.datasets.importing import ImportOrder, ImportReport, import_table
from resources.connectors.base import FileConnector
from resources.connectors.gcs import client as gcs_client
from resources.connectors.gcs.client import GcsSettings
from resources.connectors.gcs.connector import GcsConnector
from resources.connectors.s3 import client as s3_client
from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector, S3Keys
from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorUnavailableError,
    SourceChangedError,
)
from resources.kernel.retries import RetryPolicy
from resources.sources.source import FileSource
from resources.sources.spec import SourceSpec
from resources.stores.tables import TableStore
from tests.servers.gcs import GcsAnswer, gcs_server, refusal, spoilt_gcs
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY
from tests.servers.scripted_s3 import Answer, Request, s3_error

__all__ = ["gcs_server", "spoilt_gcs"]
KEY = ("datasets", "flights")
FILES = 40


class Place:
    """A bucket behind a gate that may answer in its place."""

    connector: FileConnector
    refusal: object

    def put(self, key: str, content: bytes) -> None:
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError

    def on_read(self, act: Callable[[int], object]) -> None:
        """`act(n)` before the n-th request for an object's bytes; what it returns is the answer, if anything."""
        raise NotImplementedError


class S3Place(Place):
    refusal = s3_error("ExpiredToken")

    def __init__(self, server, bucket, start) -> None:
        self.client, self.bucket = server.client, bucket
        self._way = urlsplit(server.url)
        self._act: Callable[[int], object] = lambda number: None
        self._reads = 0
        self.connector = S3Connector(
            "lake",
            bucket,
            settings=S3Settings(endpoint_url=start(self._answer).url, region="us-east-1"),
            keys=S3Keys(ACCESS_KEY, SECRET_KEY),
        )

    def put(self, key, content):
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def delete(self, key):
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def on_read(self, act):
        self._act, self._reads = act, 0

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith(f"/{self.bucket}/in/"):
            self._reads += 1
            given = self._act(self._reads)
            if given == "cut":
                answer = self._forward(request)
                headers = {**answer.headers, "Content-Length": str(len(answer.body))}
                return Answer(answer.status, b"", headers)
            if isinstance(given, Answer):
                return given
        return self._forward(request)

    def _forward(self, request: Request) -> Answer:
        with closing(
            http.client.HTTPConnection(self._way.hostname, self._way.port, timeout=20)
        ) as inner:
            inner.request(request.method, request.path, request.body, request.headers)
            answer = inner.getresponse()
            body = answer.read()
        headers = {
            n: v for n, v in answer.getheaders() if n not in ("Connection", "Server", "Date")
        }
        return Answer(answer.status, body, headers)


class GcsPlace(Place):
    refusal = refusal(401, "authError", "Invalid Credentials")

    def __init__(self, server) -> None:
        self.server, self.bucket = server, server.new_bucket()
        self.connector = GcsConnector(
            "lake", self.bucket, settings=GcsSettings(endpoint_url=server.url, anonymous=True)
        )

    def put(self, key, content):
        self.server.put(self.bucket, key, content)

    def delete(self, key):
        self.server.delete(self.bucket, key)

    def on_read(self, act):
        reads = []
        cut = set()

        def before(request):
            if request.query.get("alt") != "media":
                return None
            reads.append(request)
            given = act(len(reads))
            if given == "cut":
                cut.add(id(request))
            return given if isinstance(given, GcsAnswer) else None

        def spoil(request, answer):
            if id(request) not in cut:
                return answer
            headers = {**answer.headers, "Content-Length": str(len(answer.body))}
            return GcsAnswer(answer.status, b"", headers)

        self.server.before, self.server.spoil = before, spoil


def hang_up(place: Place) -> None:
    """Closes the connector's lines: left to the collector they would end in the middle of another test."""
    if isinstance(place, S3Place):
        link = place.connector._links.current()
        link.access.client.close()
        if link.short_way._http is not None:
            link.short_way._http.close()
    else:
        place.connector._sessions.current()._http.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # sessions that expired in the test
        gc.collect()


@pytest.fixture(params=["s3", "gcs"])
def place(request, monkeypatch) -> Iterator[Place]:
    monkeypatch.setattr(s3_client, "MAX_ATTEMPTS", 1)
    monkeypatch.setattr(gcs_client, "RETRIES", RetryPolicy(4))
    if request.param == "s3":
        server = request.getfixturevalue("s3_server")
        made = S3Place(server, server.new_bucket(), request.getfixturevalue("scripted_s3"))
    else:
        made = GcsPlace(request.getfixturevalue("spoilt_gcs"))
    yield made
    hang_up(made)


@pytest.fixture
def store(tmp_path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


def load(place: Place, store: TableStore, run: str) -> ImportReport:
    spec = SourceSpec("landing", "lake", path="in/*.csv")
    order = ImportOrder(name="flights", key=KEY, run_id=run)
    return import_table(FileSource(spec, place.connector), store, order)


def ids(store: TableStore) -> list[int]:
    return sorted(store.read(KEY).to_pandas()["id"])


def fill(place: Place, first: int = 0) -> list[int]:
    for number in range(FILES):
        place.put(f"in/{number:04}.csv", f"id,name\n{first + number},n\n".encode())
    return [first + number for number in range(FILES)]


def test_many_small_objects(place, store):
    expected = fill(place)
    report = load(place, store, "run-1")
    assert report.version.rows == FILES
    assert ids(store) == expected


def test_an_object_replaced_during_the_import(place, store):
    """E40: the old version stays; the next run takes the new object."""
    old = fill(place)
    load(place, store, "run-1")
    fill(place, 1000)
    last = f"in/{FILES - 1:04}.csv"
    place.on_read(lambda number: place.put(last, b"id,name\n5,n\n") if number == 1 else None)
    with pytest.raises(SourceChangedError, match="changed while it was read"):
        load(place, store, "run-2")
    assert ids(store) == old
    place.on_read(lambda number: None)
    load(place, store, "run-3")
    assert ids(store) == [5, *range(1000, 1000 + FILES - 1)]


def test_an_object_deleted_during_the_import(place, store):
    """E41: left out, and said."""
    fill(place)
    last = f"in/{FILES - 1:04}.csv"
    place.on_read(lambda number: place.delete(last) if number == 1 else None)
    report = load(place, store, "run-1")
    assert ids(store) == list(range(FILES - 1))
    assert f"{last}: deleted after it was listed; skipped" in report.warnings


def test_bodies_that_are_always_cut(place, store):
    """E5: never a shorter dataset."""
    old = fill(place)
    load(place, store, "run-1")
    fill(place, 1000)
    place.on_read(lambda number: "cut")
    with pytest.raises(ConnectorUnavailableError):
        load(place, store, "run-2")
    assert ids(store) == old


def test_credentials_that_expire_during_the_import(place, store):
    """E47: in the middle, and they stay expired."""
    old = fill(place)
    load(place, store, "run-1")
    fill(place, 1000)
    place.on_read(lambda number: place.refusal if number > 10 else None)
    with pytest.raises(
        ConnectorAuthError, match=r"connector 'lake'.*(expired|anonymous)"
    ) as caught:
        load(place, store, "run-2")
    assert SECRET_KEY not in str(caught.value)
    assert ids(store) == old
    place.on_read(lambda number: None)
    load(place, store, "run-3")
    assert ids(store) == list(range(1000, 1000 + FILES))
