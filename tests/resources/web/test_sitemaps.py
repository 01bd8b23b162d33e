from __future__ import annotations

import gzip
import tracemalloc

import pytest

from resources.kernel.errors import ConnectorError, InputError
from resources.web import sitemaps
from resources.web.sitemaps import BYTES_LIMIT, Broken, listed_pages

URL = "https://news.example/sitemap.xml"
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*urls, extra=""):
    listed = "".join(f"<url><loc>\n {url}\n</loc>{extra}</url>" for url in urls)
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {NS}>{listed}</urlset>'.encode()


def index(*urls):
    listed = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    return f"<sitemapindex {NS}>{listed}</sitemapindex>".encode()


def listed(tmp_path, files, url=URL):
    """What is listed when the web has these files."""

    def download(asked, path, limits):
        if asked not in files:
            raise ConnectorError(f"{asked} is not there", rule="not_found")
        path.write_bytes(files[asked])
        return asked

    return list(listed_pages(url, download, tmp_path))


def test_pages_in_their_order(tmp_path):
    found = listed(tmp_path, {URL: urlset("https://a.example/1?x=1&amp;y=2", "https://a.example/2", extra="<lastmod>2026-01-01</lastmod><image:image xmlns:image='i'><image:loc>https://a.example/p.png</image:loc></image:image>")})  # fmt: skip
    assert found == ["https://a.example/1?x=1&y=2", "https://a.example/2"]


@pytest.mark.parametrize(
    "content",
    [
        b"https://a.example/1\r\nhttps://a.example/2\n\n",
        b"\xef\xbb\xbfhttps://a.example/1\nhttps://a.example/2",
        gzip.compress(urlset("https://a.example/1", "https://a.example/2")),
        gzip.compress(urlset("https://a.example/1")[:60]) + gzip.compress(urlset("https://a.example/1", "https://a.example/2")[60:]),
        urlset("https://a.example/1", "https://a.example/2").decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        b"\n " + urlset("https://a.example/1", "https://a.example/2").partition(b"?>")[2],
    ],
    ids=["lines", "lines with mark", "packed", "packed in parts", "utf-16", "blank before"],
)  # fmt: skip
def test_forms_that_a_sitemap_may_have(tmp_path, content):
    assert listed(tmp_path, {URL: content}) == ["https://a.example/1", "https://a.example/2"]


def test_an_index_and_what_of_it_cannot_be_read(tmp_path):
    other, gone = "https://a.example/s2.xml", "https://a.example/s3.xml"
    files = {
        URL: index("s1.xml", gone, other, other, URL),
        "https://news.example/s1.xml": urlset("https://a.example/1"),
        other: urlset("https://a.example/2"),
    }
    one, broken, two = listed(tmp_path, files)
    assert (one, two) == ("https://a.example/1", "https://a.example/2")
    assert isinstance(broken, Broken)
    assert (broken.url, broken.error.facts["rule"]) == (gone, "not_found")


BAD = {
    "empty": b"",
    "html": b"<!doctype html><html><body>x</body></html>",
    "feed": b"<rss><channel><item><link>https://a.example</link></item></channel></rss>",
    "words": b"nothing of the kind",
    "cut": urlset("https://a.example/1")[:-20],
    "bomb": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
    "file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>&a;</loc></url></urlset>',
    "deep": b"<urlset>" + b"<a>" * 1_000_000,
    "bytes": bytes(range(256)) * 100,
    "packed badly": gzip.compress(urlset("https://a.example/1") * 100)[:-20],
    "packed twice": gzip.compress(gzip.compress(urlset("https://a.example/1"))),
    "unknown encoding": b'<?xml version="1.0" encoding="x-none"?><urlset/>',
    "one long line": b"https://a.example/" + b"x" * 1_000_000,
}


@pytest.mark.parametrize("content", BAD.values(), ids=list(BAD))
def test_what_is_no_sitemap_says_why(tmp_path, content):
    if content == b"":
        assert listed(tmp_path, {URL: content}) == []
        return
    with pytest.raises(InputError, match="is no sitemap") as caught:
        listed(tmp_path, {URL: content})
    assert "root:" not in str(caught.value)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize(
    "content",
    [b"<urlset><url>" + b" " * (BYTES_LIMIT + 1_000_000), (b" " * 9_999 + b"\n") * 5_400],
    ids=["XML", "lines"],
)
def test_a_bomb_is_given_up_in_little_memory(tmp_path, content):
    packed = gzip.compress(content)
    tracemalloc.start()
    with pytest.raises(InputError, match="more than 52,428,800 bytes"):
        listed(tmp_path, {URL: packed})
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_more_than_a_sitemap_may_have(tmp_path, monkeypatch):
    monkeypatch.setattr(sitemaps, "PAGES_LIMIT", 10)
    monkeypatch.setattr(sitemaps, "FILES_LIMIT", 5)
    with pytest.raises(InputError, match="lists more than 10 addresses"):
        listed(tmp_path, {URL: urlset(*(f"https://a.example/{n}" for n in range(11)))})
    with pytest.raises(InputError, match="more than 5 sitemaps"):
        listed(tmp_path, {URL: index(*(f"https://a.example/{n}" for n in range(6)))})


def test_indexes_that_lead_into_each_other_for_ever(tmp_path):
    class Endless(dict):
        def __contains__(self, url):
            return True

        def __getitem__(self, url):
            return index(f"{url}x")

    with pytest.raises(InputError, match="more than 3 indexes"):
        listed(tmp_path, Endless())
