"""What every file connector promises of objects that are read in parts, and of URLs. `file_connector.py` inherits it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from resources.kernel.errors import NotFoundError, SourceChangedError


class ObjectParts:
    """See the fixtures of `FileConnectorContract`."""

    def test_parts_are_exactly_the_bytes(self, connector, outside, scratch):
        content = bytes(range(256)) * 4_000
        outside.put("x.bin", content)
        with connector.ranges(connector.stat("x.bin"), scratch) as read:
            for start, length in [(0, 10), (0, 1), (70_000, 66_000), (len(content) - 7, 7)]:
                assert read(start, length) == content[start : start + length]
            assert read(len(content) - 7, 100) == content[-7:]  # fewer at the end
            assert read(len(content), 10) == b""
            with ThreadPoolExecutor(4) as pool:
                parts = pool.map(lambda at: read(at, 4_000), range(0, len(content), 4_000))
                assert b"".join(parts) == content
        assert not scratch.exists() or list(scratch.iterdir()) == []

    def test_an_empty_object_has_no_parts(self, connector, outside, scratch):
        outside.put("x.bin", b"")
        with connector.ranges(connector.stat("x.bin"), scratch) as read:
            assert read(0, 10) == b""

    def test_parts_of_what_changed_are_never_read(self, connector, outside, scratch):
        outside.put("x.bin", b"old content")
        item = connector.stat("x.bin")
        outside.put("x.bin", b"new content")  # E40: the same length
        with pytest.raises(SourceChangedError), connector.ranges(item, scratch) as read:
            read(0, 4)
        outside.delete("x.bin")
        with pytest.raises(NotFoundError), connector.ranges(item, scratch) as read:
            read(0, 4)

    @pytest.mark.parametrize("size", [0, 10, 32 << 10, (32 << 10) + 1, 200_000])
    def test_an_object_that_is_opened_by_its_key(self, connector, outside, scratch, size):
        content = bytes(range(251)) * (size // 251) + bytes(size % 251)
        outside.put("x.bin", content)
        item = connector.stat("x.bin")
        with connector.open_object("x.bin", scratch) as opened:
            assert (opened.size_bytes, opened.etag) == (item.size_bytes, item.etag)
            for start, length in [(0, 10), (0, size), (size // 2, size), (size, 10)]:
                assert opened.read(start, length) == content[start : start + length]

    def test_what_changed_since_it_was_opened_is_not_read_on(self, connector, outside, scratch):
        old = b"old" * 30_000
        outside.put("x.bin", old)
        with suppress(SourceChangedError), connector.open_object("x.bin", scratch) as opened:
            outside.put("x.bin", b"new" * 30_000)
            assert opened.read(0, 90_000) == old  # what came down whole stays what it was
        outside.delete("x.bin")
        with pytest.raises(NotFoundError), connector.open_object("x.bin", scratch):
            pass

    @pytest.mark.parametrize(
        "url",
        ["", "x", "s3://", "gs://elsewhere/x", "s3://elsewhere/x", "sftp://elsewhere/x", "file:///", "file://x",
         "ftp://u:p@h/x", "https://example.com/x", "sftp://[::1", "ftp://h:99999/x", "file:///etc/passwd"],
    )  # fmt: skip
    def test_a_url_that_leads_elsewhere_has_no_key(self, connector, url):
        assert connector.addresses.key_of(url) is None
