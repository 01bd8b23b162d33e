from __future__ import annotations

import threading

import pytest

from assets.collections.tasks.web_source import WebItems
from resources.import_tasks.definition import Crawl, WebSource
from resources.import_tasks.sources import (
    FetchedFile,
    ItemRefusedError,
    KnownFile,
    SourceItem,
    Unchanged,
)
from resources.kernel.errors import InputError, WaybillError
from resources.web import client
from resources.web.turns import StoppedError
from resources.web.visitor import CONTACT_VARIABLE, PAUSE_VARIABLE
from tests.servers.web import answering, sent_on, website

BASE = "https://news.example"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with website(tmp_path_factory.mktemp("web"), "news.example", "www.news.example") as site:
        yield site


@pytest.fixture
def web(served, monkeypatch):
    served.pages.clear()
    served.asked.clear()
    monkeypatch.setattr(client, "NETWORK", served.network)
    monkeypatch.setenv(PAUSE_VARIABLE, "0")
    return served


def page(*links, head="", text="Some text."):
    anchors = "".join(f"<a href='{link}'>x</a>" for link in links)
    return answering(f"<!doctype html><html><head>{head}</head><body><p>{text}</p>{anchors}")


def items(tmp_path, *addresses, known=(), stopped=None, sitemap="", **crawl):
    crawling = Crawl(**{"delay": 0.0, **crawl}) if crawl else None
    source = WebSource(tuple(addresses), sitemap, crawling)
    return WebItems(source, tmp_path, known=known, stopped=stopped)


def carried_out(source, links_of):
    """What an engine does: each item once, with all that it leads to. References -> rule of its failure."""
    waiting, outcomes = list(source.list()), {}
    while waiting:
        item = waiting.pop(0)
        assert item.reference not in outcomes
        try:
            with source.fetch(item, None) as fetched:
                outcomes[item.reference] = ""
                links = links_of(fetched)
                waiting += source.follow(item, fetched, links)
        except ItemRefusedError as refused:
            outcomes[item.reference] = refused.rule
    return outcomes


def hrefs(fetched):
    return [part.split("'")[0] for part in fetched.path.read_text().split("<a href='")[1:]]


def refusal(source, item):
    with pytest.raises(ItemRefusedError) as caught, source.fetch(item, None):
        pass
    return caught.value


def test_addresses_each_once_and_a_bad_one_fails_alone(web, tmp_path):
    web.pages |= {"/a": page(), "/report": answering(b"%PDF-1.7", "application/pdf")}
    source = items(tmp_path, f"{BASE}/a", f"{BASE}/a#b", "https://NEWS.example:443/a", f"{BASE}/report", "http://news.example/a", "file:///etc/passwd", "https://10.0.0.1/")  # fmt: skip
    listed = list(source.list())
    assert [item.name for item in listed] == ["news.example/a", "news.example/report", "news.example/a", "/etc/passwd", "10.0.0.1/"]  # fmt: skip
    with source.fetch(listed[1], None) as fetched:
        assert isinstance(fetched, FetchedFile)
        assert (fetched.name, fetched.content_type, fetched.size) == ("report.pdf", "application/pdf", 8)  # fmt: skip
    web.names["10.0.0.1"] = ["10.0.0.1"]
    assert [refusal(source, item).rule for item in listed[2:]] == ["not_https", "not_https", "address_refused"]  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_page_comes_with_its_charset_and_its_address_after_redirects(web, tmp_path):
    web.pages |= {"/a": sent_on("/b"), "/b": answering("<html>", "text/html; charset=cp1252")}
    source = items(tmp_path, f"{BASE}/a")
    (item,) = source.list()
    with source.fetch(item, None) as fetched:
        assert (fetched.url, fetched.name) == (f"{BASE}/b", "b.html")
        assert fetched.content_type == "text/html; charset=cp1252"
    assert item.reference == f"{BASE}/a"


def test_an_unchanged_page_is_not_fetched(web, tmp_path):
    web.pages["/a"] = b"<!doctype html><p>Text"
    source = items(tmp_path, f"{BASE}/a")
    (item,) = source.list()
    with source.fetch(item, None) as fetched:
        known = KnownFile(fetched.fingerprint, fetched.sha256)
    with source.fetch(item, known) as again:
        assert isinstance(again, Unchanged)


def test_a_page_that_forbids_to_follow_is_never_taken_for_unchanged(web, tmp_path):
    web.pages["/a"] = answering("<!doctype html>", ETag='"1"', X_Robots_Tag="nofollow")
    source = items(tmp_path, f"{BASE}/a", depth=1)
    (item,) = source.list()
    with source.fetch(item, None) as fetched:
        assert fetched.fingerprint == ""
        assert list(source.follow(item, fetched, ["/b"])) == []


def test_what_a_page_or_its_site_forbids_has_words(web, tmp_path):
    web.pages |= {
        "/robots.txt": b"User-agent: Waybill\nDisallow: /private",
        "/private": page(),
        "/hidden": page(head="<meta name=robots content=noindex>"),
    }
    source = items(tmp_path, f"{BASE}/private", f"{BASE}/hidden")
    first, second = (refusal(source, item) for item in source.list())
    assert (first.rule, second.rule) == ("refused_by_robots", "refused_by_robots")
    assert "line 2: Disallow: /private" in first.message
    assert "meta robots: noindex" in second.message


def test_a_busy_site_says_when_to_come_back(web, tmp_path):
    web.pages["/a"] = answering(status=503, Retry_After="900")
    source = items(tmp_path, f"{BASE}/a")
    refused = refusal(source, next(source.list()))
    assert (refused.rule, refused.retry_after) == ("server_error", 900)


def test_the_operators_contact_is_told(web, tmp_path, monkeypatch):
    monkeypatch.setenv(CONTACT_VARIABLE, "data@example.org")
    web.pages["/a"] = page()
    source = items(tmp_path, f"{BASE}/a")
    with source.fetch(next(source.list()), None):
        pass
    assert all(headers["user-agent"].endswith("(+data@example.org)") for _, headers in web.asked)


def test_a_crawl(web, tmp_path):
    web.pages |= {
        "/": page("/a", "/b", "/b#x", "https://other.example/", "/style.css", "/off", "/alias", "/z"),
        "/a": page("/", "/deep"),
        "/b": page("/never", head="<meta name=robots content=nofollow>"),
        "/deep": page("/deeper"),
        "/off": sent_on("https://www.news.example.evil/x"),
        "/alias": page(head="<link rel=canonical href='/a'>"),
        "/z": sent_on("/b"),
        "/x": page(),
    }  # fmt: skip
    found = carried_out(items(tmp_path, f"{BASE}/", depth=2), hrefs)
    assert found == {
        f"{BASE}/": "", f"{BASE}/a": "", f"{BASE}/b": "", f"{BASE}/off": "tls", f"{BASE}/alias": "same_page", f"{BASE}/z": "same_page",
        f"{BASE}/deep": "",
    }  # fmt: skip
    assert "/deeper" not in [path for path, _ in web.asked]


def test_a_page_that_is_sent_on_to_what_the_task_does_not_take(web, tmp_path):
    web.pages |= {"/": page("/a"), "/a": sent_on("/shop/a"), "/shop/a": page()}
    found = carried_out(items(tmp_path, f"{BASE}/", depth=1, exclude=("/shop/*",)), hrefs)
    assert found == {f"{BASE}/": "", f"{BASE}/a": "left_out"}


def test_a_site_without_end_is_as_many_pages_as_were_wanted(web, tmp_path):
    class Calendar(dict):
        def get(self, path, default=None):
            if path == "/robots.txt":
                return None
            day = int(path.rpartition("=")[2] or 0) if "=" in path else 0
            return page(*(f"/calendar?day={day * 10 + n}" for n in range(1, 11)))

    web.pages, pages = Calendar(), web.pages
    try:
        assert len(carried_out(items(tmp_path, f"{BASE}/", depth=100, pages=30), hrefs)) == 30
    finally:
        web.pages = pages


def test_a_crawl_that_goes_on_counts_what_it_has(web, tmp_path):
    web.pages |= {"/": page("/a", "/b", "/c")}
    source = items(tmp_path, f"{BASE}/", depth=1, pages=3, known=[f"{BASE}/", f"{BASE}/a"])
    start = SourceItem("start", f"{BASE}/")  # what was listed is not listed again
    with source.fetch(start, None) as fetched:
        assert [item.reference for item in source.follow(start, fetched, hrefs(fetched))] == [f"{BASE}/b"]  # fmt: skip


def test_a_sitemap_with_filters_and_broken_parts(web, tmp_path):
    def urlset(*paths):
        return "<urlset>" + "".join(f"<url><loc>{p}</loc></url>" for p in paths) + "</urlset>"

    web.pages |= {
        "/sitemap.xml": answering(f"<sitemapindex><sitemap><loc>{BASE}/gone.xml</loc></sitemap><sitemap><loc>{BASE}/s.xml</loc></sitemap></sitemapindex>", "text/xml"),
        "/s.xml": answering(urlset(f"{BASE}/news/1", f"{BASE}/news/1#a", f"{BASE}/shop/1", "https://other.example/news/2", "http://news.example/news/3"), "text/xml"),
    }  # fmt: skip
    source = items(tmp_path, sitemap=f"{BASE}/sitemap.xml", include=("*/news/*",))
    broken, first, plain = source.list()
    assert [item.reference for item in (broken, first, plain)] == [f"{BASE}/gone.xml", f"{BASE}/news/1", "http://news.example/news/3"]  # fmt: skip
    assert (refusal(source, broken).rule, refusal(source, plain).rule) == ("not_found", "not_https")


def test_a_sitemap_without_a_page_that_is_meant_says_why(web, tmp_path):
    listed = "".join(f"<url><loc>{BASE}/shop/{n}</loc></url>" for n in range(9))
    web.pages["/sitemap.xml"] = answering(f"<urlset>{listed}</urlset>", "text/xml")
    source = items(tmp_path, sitemap=f"{BASE}/sitemap.xml", include=("/news/*",))
    with pytest.raises(InputError, match="lists no page that the task takes") as caught:
        list(source.list())
    assert str(caught.value).count("no --include fits it") == 3
    web.pages["/sitemap.xml"] = answering("<urlset></urlset>", "text/xml")
    with pytest.raises(InputError, match="lists nothing at all"):
        list(source.list())


def test_who_waits_for_an_answer_ends_when_the_task_is_stopped(web, tmp_path):
    stopped = threading.Event()
    web.pages["/a"] = lambda handler: stopped.set() or handler.connection.recv(1)
    source = items(tmp_path, f"{BASE}/a", stopped=stopped)
    (item,) = source.list()
    with pytest.raises(StoppedError), source.fetch(item, None):
        pass


def test_a_sitemap_that_cannot_be_had_fails_the_task(web, tmp_path):
    with pytest.raises(WaybillError, match="is not there"):
        list(items(tmp_path, sitemap=f"{BASE}/sitemap.xml").list())


def test_who_waits_for_a_site_ends_when_the_task_is_stopped(web, tmp_path):
    stopped = threading.Event()
    web.pages["/a"] = page()
    source = items(tmp_path, f"{BASE}/a", stopped=stopped, delay=600.0)
    (item,) = source.list()
    with source.fetch(item, None):
        pass
    threading.Timer(0.1, stopped.set).start()
    with pytest.raises(StoppedError), source.fetch(item, None):
        pass
