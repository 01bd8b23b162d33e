from __future__ import annotations

import gzip
import threading
import time

import pytest

from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
)
from resources.web.client import USER_AGENT, WebClient, WebLimits
from tests.servers.web import PUBLIC, sent_on, website


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with website(tmp_path_factory.mktemp("web"), "shop.example", "cdn.example") as site:
        yield site


@pytest.fixture
def site(served):
    for kept in (served.pages, served.asked, served.names, served.lookups, served.dialled):
        kept.clear()
    return served


def client(site, **limits):
    return WebClient(WebLimits(**limits), site.network)


def fetched(site, url, **limits):
    with client(site, **limits).get(url) as answer:
        return answer.read()


def test_a_file_comes_whole_and_nothing_of_ours_goes_with_it(site, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine shop.example login ada password secret")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # T6
    content = bytes(range(256)) * 1_000
    site.pages["/a.png"] = content
    assert fetched(site, "https://shop.example/a.png") == content
    ((_, headers),) = site.asked
    assert headers["host"] == "shop.example"
    assert headers["user-agent"] == USER_AGENT
    assert headers["accept-encoding"] == "identity"
    assert not {"authorization", "cookie", "referer"} & set(headers)


def test_a_name_is_looked_up_once_and_what_was_judged_is_asked(site):
    site.pages["/"] = b"x"
    fetched(site, "https://shop.example/")
    assert (site.lookups, site.dialled) == (["shop.example"], [PUBLIC])


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["::ffff:169.254.169.254"], []]
)
def test_a_name_that_leads_inside_is_never_asked(site, found):
    site.names["shop.example"] = found
    with pytest.raises(InputError, match="is refused"):
        fetched(site, "https://shop.example/")
    assert (site.dialled, site.asked) == ([], [])


@pytest.mark.parametrize(
    "to",
    ["http://shop.example/b", "https://169.254.169.254/latest", "file:///etc/passwd", "https://inside.example/", "https://shop.example:8443/b", "//u:p@shop.example/b"],
)  # fmt: skip
def test_every_hop_is_judged_anew(site, to):
    site.names |= {"inside.example": ["192.168.0.1"], "169.254.169.254": ["169.254.169.254"]}
    site.pages |= {"/a": sent_on(to), "/b": b"never"}
    with pytest.raises(InputError, match="is refused"):
        fetched(site, "https://shop.example/a")
    assert [path for path, _ in site.asked] == ["/a"]


def test_redirects_are_followed_up_to_their_number(site):
    site.pages |= {"/a": sent_on("https://cdn.example/b"), "/b": sent_on("c?x=1"), "/c?x=1": b"ok"}
    with client(site).get("https://shop.example/a") as answer:
        assert (answer.url, answer.read()) == ("https://cdn.example/c?x=1", b"ok")
    site.pages["/loop"] = sent_on("/loop")
    site.asked.clear()
    with pytest.raises(InputError, match="more than 5 times"):
        fetched(site, "https://shop.example/loop")
    assert len(site.asked) == 6


def test_a_certificate_for_another_name_is_refused(site):
    with pytest.raises(ConnectorError, match="certificate does not hold"):
        fetched(site, "https://other.example/")
    assert site.asked == []


def test_more_bytes_than_allowed_are_refused_announced_or_not(site):
    site.pages["/big"] = b"x" * 1_000
    with pytest.raises(ConnectorError, match="more than the 999 bytes"):
        fetched(site, "https://shop.example/big", bytes=999)
    assert len(fetched(site, "https://shop.example/big", bytes=1_000)) == 1_000
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65_536)
            sent.append(65_536)

    site.pages["/endless"] = endless
    with pytest.raises(ConnectorError, match="more than the 1,000,000 bytes"):
        fetched(site, "https://shop.example/endless", bytes=1_000_000)
    assert sum(sent) < 20_000_000


def test_a_body_that_drips_is_ended_at_its_time(site):
    over = threading.Event()

    def dripping(handler):
        handler.send_response(200)
        handler.end_headers()
        while not over.is_set():
            handler.wfile.write(b"x")
            time.sleep(0.02)

    site.pages["/drip"] = dripping
    with pytest.raises(ConnectorUnavailableError, match="within its time"):
        fetched(site, "https://shop.example/drip", seconds=0.5)
    over.set()


def test_headers_that_drip_are_ended_at_their_time(site):
    over = threading.Event()

    def dripping(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.is_set():
            handler.wfile.write(b"x")
            time.sleep(0.02)

    site.pages["/drip"] = dripping
    with pytest.raises(ConnectorUnavailableError, match="within its time"):
        fetched(site, "https://shop.example/drip", seconds=0.5)
    over.set()


def test_a_cut_body_is_an_error(site):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"x" * 40)

    site.pages["/cut"] = cut
    with pytest.raises(ConnectorUnavailableError, match="cut"):
        fetched(site, "https://shop.example/cut")


def test_nothing_is_decompressed(site):
    def packed(handler):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(gzip.compress(b"x" * 1_000_000))

    site.pages["/packed"] = packed
    with pytest.raises(ConnectorError, match="encoded as 'gzip'"):
        fetched(site, "https://shop.example/packed")


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFoundError), (410, NotFoundError), (401, ConnectorAuthError), (403, ConnectorAuthError),
     (429, ConnectorUnavailableError), (500, ConnectorUnavailableError), (503, ConnectorUnavailableError), (400, ConnectorError), (304, ConnectorError)],
)  # fmt: skip
def test_refusals_in_our_words(site, status, error):
    site.pages["/x"] = lambda handler: handler.send_error(status)
    with pytest.raises(error, match=rf"status {status}") as caught:
        fetched(site, "https://shop.example/x?token=secret".partition("?")[0])
    assert type(caught.value) is error


def test_no_server_and_no_name(site, monkeypatch):
    from resources.web.client import Network

    def nobody(address, seconds):
        raise ConnectionRefusedError("refused")

    def no_name(host):
        raise OSError("no such name")

    with (
        pytest.raises(ConnectorUnavailableError, match="cannot be reached"),
        WebClient(network=Network(lambda _: [PUBLIC], nobody)).get("https://shop.example/"),
    ):
        pass
    with (
        pytest.raises(ConnectorUnavailableError, match="cannot be looked up"),
        WebClient(network=Network(no_name, nobody)).get("https://shop.example/"),
    ):
        pass
