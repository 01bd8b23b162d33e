from __future__ import annotations

import pytest

from resources.kernel.errors import ConnectorError, SourceChangedError
from resources.web.client import WebClient, WebLimits
from resources.web.objects import open_web_file
from tests.servers.web import sent_on, website

CONTENT = bytes(range(256)) * 1_000


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with website(tmp_path_factory.mktemp("web"), "shop.example") as site:
        yield site


@pytest.fixture
def site(served):
    served.pages.clear()
    served.asked.clear()
    return served


def opened(site, path, tmp_path, **limits):
    client = WebClient(WebLimits(**limits), site.network)
    return open_web_file(client, f"https://shop.example{path}", tmp_path)


def test_parts_are_asked_for_and_the_beginning_came_with_the_first_request(site, tmp_path):
    site.pages |= {"/a": sent_on("/b"), "/b": CONTENT}
    with opened(site, "/a", tmp_path) as file:
        assert (file.url, file.size_bytes) == ("https://shop.example/b", len(CONTENT))
        assert file.read(10, 100) == CONTENT[10:110]
        assert len(site.asked) == 2
        assert file.read(200_000, 100) == CONTENT[200_000:200_100]
        assert file.read(len(CONTENT) - 5, 100) == CONTENT[-5:]
        assert file.read(len(CONTENT), 100) == b""
    assert [headers["range"] for _, headers in site.asked][2:] == [
        "bytes=200000-200099",
        f"bytes={len(CONTENT) - 5}-{len(CONTENT) - 1}",
    ]


def test_another_file_under_the_same_address_is_never_read(site, tmp_path):
    site.pages["/b"] = CONTENT
    with opened(site, "/b", tmp_path) as file:
        site.pages["/b"] = CONTENT[::-1]
        with pytest.raises(SourceChangedError):
            file.read(100_000, 10)


def test_an_empty_file(site, tmp_path):
    site.pages["/b"] = b""
    with opened(site, "/b", tmp_path) as file:
        assert (file.size_bytes, file.read(0, 10)) == (0, b"")


def test_a_server_without_parts_sends_all_of_it_within_limits(site, tmp_path):
    def whole(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT)

    site.pages["/b"] = whole
    with opened(site, "/b", tmp_path) as file:
        assert (file.size_bytes, file.read(200_000, 10)) == (len(CONTENT), CONTENT[200_000:200_010])
    assert len(site.asked) == 1
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(ConnectorError, match="more than"),
        opened(site, "/b", tmp_path, bytes=1_000),
    ):
        pass
