"""Cuts, lies and replaced objects: the exact bytes of the listed generation, or an error (E1-E5, E40)."""

from __future__ import annotations

import re

import pytest

from resources.connectors.files import buckets
from resources.connectors.files import parts as transfer
from resources.connectors.gcs import client
from resources.connectors.gcs import transfer as gcs_transfer
from resources.kernel.errors import (
    ConnectorError,
    ConnectorUnavailableError,
    SourceChangedError,
    StorageError,
    WaybillError,
)
from resources.kernel.retries import RetryPolicy
from tests.resources.connectors.gcs.bucket import CONTENT, connect, read
from tests.servers.faulty_proxy import faulty_proxy
from tests.servers.gcs import GcsAnswer

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def bucket(spoilt_gcs):
    return spoilt_gcs.new_bucket()


@pytest.fixture
def connector(spoilt_gcs, bucket):
    spoilt_gcs.put(bucket, "x.bin", CONTENT)
    return connect(spoilt_gcs.url, bucket)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(transfer, "PART_BYTES", 10_000)


def is_media(request) -> bool:
    return request.query.get("alt") == "media"


class TestReading:
    def test_many_parts(self, spoilt_gcs, connector, tmp_path, small_parts):
        assert read(connector, connector.stat("x.bin"), tmp_path) == CONTENT
        assert sum(map(is_media, spoilt_gcs.requests)) == 11

    def test_large_objects_take_turns(self, connector, tmp_path, small_parts, monkeypatch):
        monkeypatch.setattr(buckets, "SMALL_BYTES", 1_000)
        assert read(connector, connector.stat("x.bin"), tmp_path) == CONTENT

    def test_replaced_between_two_parts(
        self, spoilt_gcs, connector, bucket, tmp_path, small_parts, monkeypatch
    ):
        """E40: never a mixture of two generations."""
        monkeypatch.setattr(transfer, "PARTS_AT_ONCE", 1)
        item = connector.stat("x.bin")
        seen = []

        def replace_after_the_third(request, answer):
            seen.extend([request] * is_media(request))
            if len(seen) == 3 and is_media(request):
                spoilt_gcs.put(bucket, "x.bin", CONTENT[::-1])
            return answer

        spoilt_gcs.spoil = replace_after_the_third
        with pytest.raises(SourceChangedError, match="changed while it was read"):
            read(connector, item, tmp_path / "s")
        assert list((tmp_path / "s").iterdir()) == []

    def test_a_service_that_ignores_ranges(self, spoilt_gcs, connector, tmp_path, small_parts):
        spoilt_gcs.spoil = lambda request, answer: (
            GcsAnswer(200, CONTENT, {"X-Goog-Generation": answer.headers["X-Goog-Generation"]})
            if is_media(request)
            else answer
        )
        with pytest.raises(ConnectorError, match="does not send the part"):
            read(connector, connector.stat("x.bin"), tmp_path)

    def test_always_cut_off(self, spoilt_gcs, connector, tmp_path):
        """E5: a body shorter than its length is an error that says how much came."""

        def cut(request, answer):
            if not is_media(request):
                return answer
            headers = {**answer.headers, "Content-Length": str(len(answer.body))}
            return GcsAnswer(answer.status, answer.body[:1000], headers)

        spoilt_gcs.spoil = cut
        with pytest.raises(ConnectorUnavailableError) as caught:
            read(connector, connector.stat("x.bin"), tmp_path)
        assert re.search(r"'x\.bin' was cut off after \d+ of 102400 bytes", str(caught.value))
        assert list(tmp_path.iterdir()) == []

    def test_a_short_body_with_a_fitting_length(self, spoilt_gcs, connector, tmp_path):
        """E5: the service itself lies about the length."""
        spoilt_gcs.spoil = lambda request, answer: (
            GcsAnswer(answer.status, answer.body[:9], answer.headers)
            if is_media(request)
            else answer
        )
        with pytest.raises(WaybillError, match="cut off"):
            read(connector, connector.stat("x.bin"), tmp_path)

    def test_a_cut_is_mended_where_it_happened(self, spoilt_gcs, connector, tmp_path):
        count = iter(range(1_000))

        def cut(request, answer):
            if not is_media(request) or next(count) % 3 == 2:
                return answer
            headers = {**answer.headers, "Content-Length": str(len(answer.body))}
            return GcsAnswer(answer.status, answer.body[:30_000], headers)

        spoilt_gcs.spoil = cut
        assert read(connector, connector.stat("x.bin"), tmp_path) == CONTENT

    def test_objects_kept_compressed_come_as_they_are(self, spoilt_gcs, bucket, tmp_path):
        """The bytes that were counted, not what a client makes of them."""
        import gzip

        packed = gzip.compress(CONTENT)
        spoilt_gcs.put(bucket, "x.csv.gz", packed)
        spoilt_gcs.spoil = lambda request, answer: GcsAnswer(
            answer.status,
            answer.body,
            {**answer.headers, **({"Content-Encoding": "gzip"} if is_media(request) else {})},
        )
        connector = connect(spoilt_gcs.url, bucket)
        assert read(connector, connector.stat("x.csv.gz"), tmp_path) == packed

    def test_a_full_disk_names_the_path(self, connector, tmp_path, monkeypatch):
        def full(*args):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(transfer.os, "pwrite", full)
        with pytest.raises(StorageError, match=re.escape(str(tmp_path))):
            read(connector, connector.stat("x.bin"), tmp_path)
        assert list(tmp_path.iterdir()) == []


class TestTheWay:
    def port(self, server) -> int:
        return int(server.url.rpartition(":")[2])

    def test_cut_in_the_middle(self, spoilt_gcs, connector, bucket, tmp_path):
        """E1: reset after 50 kB, in every connection."""
        item = connector.stat("x.bin")
        with faulty_proxy(self.port(spoilt_gcs), cut_after=50_000) as proxy:
            through = connect(f"http://127.0.0.1:{proxy.port}", bucket)
            with pytest.raises(ConnectorUnavailableError):
                read(through, item, tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_the_first_connection_is_refused(self, spoilt_gcs, connector, bucket, tmp_path):
        """E2: asked again."""
        item = connector.stat("x.bin")
        with faulty_proxy(self.port(spoilt_gcs), refuse_first=2) as proxy:
            through = connect(f"http://127.0.0.1:{proxy.port}", bucket)
            assert read(through, item, tmp_path) == CONTENT

    def test_stalled(self, spoilt_gcs, connector, bucket, tmp_path, monkeypatch):
        """E4: an error within the time limit."""
        monkeypatch.setattr(client, "READ_TIMEOUT_SECONDS", 0.3)
        monkeypatch.setattr(client, "RETRIES", RetryPolicy(1))
        monkeypatch.setattr(transfer, "RETRIES", RetryPolicy(1))
        item = connector.stat("x.bin")
        with faulty_proxy(self.port(spoilt_gcs), stall_after=50_000) as proxy:
            through = connect(f"http://127.0.0.1:{proxy.port}", bucket)
            with pytest.raises(ConnectorUnavailableError):
                read(through, item, tmp_path)


class TestUploads:
    @pytest.fixture
    def source(self, tmp_path):
        path = tmp_path / "new.bin"
        path.write_bytes(CONTENT[::-1])
        return path

    def test_a_cut_upload_goes_on(self, spoilt_gcs, connector, source, tmp_path):
        """What the service kept is not sent again; nothing is visible before the end."""
        cuts = iter([40_000, 70_000])
        seen = []

        def keep_a_part(request):
            if request.method == "PUT" and request.body and (kept := next(cuts, None)):
                seen.append(read(connector, connector.stat("x.bin"), tmp_path / "s"))
                start = int(re.search(r"bytes (\d+)-", request.headers["Content-Range"])[1])
                request.body = request.body[: kept - start]

        spoilt_gcs.before = keep_a_part
        spoilt_gcs.spoil = lambda request, answer: (
            None if answer.status == 308 and request.body else answer
        )
        stored = connector.put_file("x.bin", source)
        assert seen == [CONTENT, CONTENT]
        assert read(connector, stored, tmp_path / "s") == CONTENT[::-1]

    def test_a_lost_answer_is_no_conflict(self, spoilt_gcs, connector, source, tmp_path):
        lost = iter([True])
        spoilt_gcs.spoil = lambda request, answer: (
            None if request.method == "PUT" and next(lost, False) else answer
        )
        stored = connector.put_file("x.bin", source)
        assert read(connector, stored, tmp_path / "s") == CONTENT[::-1]

    def test_an_upload_that_never_arrives(self, spoilt_gcs, connector, source, tmp_path):
        spoilt_gcs.spoil = lambda request, answer: None if request.method == "PUT" else answer
        spoilt_gcs.before = lambda request: (
            GcsAnswer(308) if request.method == "PUT" else None  # nothing is ever kept
        )
        with pytest.raises(ConnectorUnavailableError):
            connector.put_file("x.bin", source)
        spoilt_gcs.spoil = lambda request, answer: answer
        assert read(connector, connector.stat("x.bin"), tmp_path / "s") == CONTENT

    def test_bytes_changed_on_the_way_never_appear(self, spoilt_gcs, connector, source, tmp_path):
        def flip(request):
            if request.method == "PUT" and request.body:
                request.body = b"!" + request.body[1:]

        spoilt_gcs.before = flip
        with pytest.raises(ConnectorError):
            connector.put_file("x.bin", source)
        assert read(connector, connector.stat("x.bin"), tmp_path / "s") == CONTENT

    def test_it_gives_up_in_the_end(self, spoilt_gcs, connector, source, monkeypatch):
        monkeypatch.setattr(gcs_transfer, "UPLOAD_RETRIES", RetryPolicy(2))
        spoilt_gcs.before = lambda request: GcsAnswer(308) if request.method == "PUT" else None
        with pytest.raises(ConnectorUnavailableError):
            connector.put_file("x.bin", source)
