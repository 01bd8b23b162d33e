"""Pages of the web by a task, from their addresses to the rows of the collection's table."""

from __future__ import annotations

import hashlib

import pytest

from assets.collections.tasks import working
from benchmarks.article_pages import make_page, quality
from orchestration.services.import_tasks.steering import stop_task
from resources.web import client
from resources.web.visitor import PAUSE_VARIABLE
from tests.servers.web import answering, website

BASE = "https://news.example"
ARTICLE = make_page("interrupted")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with website(tmp_path_factory.mktemp("web"), "news.example") as site:
        yield site


@pytest.fixture
def web(served, monkeypatch):
    served.pages.clear()
    served.asked.clear()
    served.names.clear()
    monkeypatch.setattr(client, "NETWORK", served.network)
    monkeypatch.setenv(PAUSE_VARIABLE, "0")
    return served


def source(*paths, sitemap="", **crawl):
    addresses = [path if ":" in path else BASE + path for path in paths]
    crawling = {"delay": 0, **crawl} if crawl else None
    return {"type": "web", "addresses": addresses, "sitemap": sitemap, "crawl": crawling}


def html(text, *links, head="", **headers):
    anchors = "".join(f"<a href='{link}'>more</a>" for link in links)
    body = f"<!doctype html><html lang=en><head><title>{text}</title>{head}</head><body><p>{text}, which is said in a sentence.</p>{anchors}"
    return answering(body, **headers)


def outcomes(bench, task):
    return {
        item.reference.removeprefix(BASE): item.rule or item.outcome
        for item in bench.items(task.id)
    }


def test_a_page_becomes_a_row_with_its_article(bench, web):
    web.pages |= {"/a": answering(ARTICLE.html), "/report": answering(b"Plain text.", "text/plain")}
    done = bench.run(source("/a", "/report"), folder="web")
    assert (done.state, done.created) == ("completed", 2)
    page, text = sorted(bench.rows(), key=lambda row: row["type"])
    assert (page["type"], page["urls"], page["folder"]) == ("page", [f"{BASE}/a"], "web")
    assert (page["title"], page["author"], page["language"]) == ("The title", "Ada Lovelace", "en")
    assert str(page["published"]).startswith("2026-03-04")
    found = quality(ARTICLE, page["text"].replace("|", " "))
    assert (found.lost, found.twice, found.foreign, found.is_ordered) == (0, 0, 0, True)
    assert page["text"].startswith("# The title")
    assert (text["type"], text["text"].strip()) == ("text", "Plain text.")


def test_the_second_run_asks_only_whether_something_changed(bench, web):
    web.pages |= {"/a": html("One", ETag='"1"'), "/b": b"<!doctype html><p>Two is said in a sentence.</p>"}  # fmt: skip

    def one(handler):
        known = handler.headers.get("If-None-Match") == '"1"'
        (answering(status=304) if known else html("One", ETag='"1"'))(handler)

    web.pages["/a"] = one
    assert bench.run(source("/a", "/b")).created == 2
    again = bench.run(source("/a", "/b"))
    assert (again.created, again.unchanged) == (0, 2)
    web.pages["/b"] = b"<!doctype html><p>Two was said in another sentence.</p>"
    changed = bench.run(source("/a", "/b"))
    assert (changed.updated, changed.unchanged) == (1, 1)
    assert len(bench.rows()) == 2


def test_each_failure_has_its_rule_at_its_item_and_the_others_go_on(bench, web):
    web.names |= {"inside.example": ["10.0.0.1"]}
    web.pages |= {
        "/robots.txt": b"User-agent: *\nDisallow: /private",
        "/good": html("Good"),
        "/private/a": html("Private"),
        "/script": answering("<html><body><div id=root></div><script>x()</script></body></html>"),
        "/empty": answering(""),
        "/hidden": html("Hidden", head="<meta name=robots content=noindex>"),
        "/large": answering(b"x" * 1_100_000),
        "/packed": answering(b"\x1f\x8b", Content_Encoding="gzip"),
        "/picture": answering(b"\x89PNG\r\n\x1a\n" + b"\0" * 50),
        "/movie.xyz": answering(b"?", "application/x-something"),
    }
    paths = ["/good", "/private/a", "/script", "/empty", "/hidden", "/large", "/packed", "/picture", "/movie.xyz", "/gone", "https://inside.example/"]  # fmt: skip
    done = bench.run(source(*paths))
    assert (done.state, done.created, done.failed) == ("completed", 1, len(paths) - 1)
    assert outcomes(bench, done) == {
        "/good": "created", "/private/a": "refused_by_robots", "/script": "no_text", "/empty": "empty", "/hidden": "refused_by_robots",
        "/large": "over_size", "/packed": "encoded", "/picture": "type_mismatch", "/movie.xyz": "format_not_taken", "/gone": "not_found",
        "https://inside.example/": "address_refused",
    }  # fmt: skip
    told = {item.name: item.message for item in bench.items(done.id)}
    assert "line 2: Disallow: /private" in told["news.example/private/a"]
    assert "may need JavaScript" in told["news.example/script"]


def test_a_crawl_finds_each_page_once_and_again(bench, web):
    web.pages |= {
        "/": html("Start", "/a", "/b", "/a#x"),
        "/a": html("Page a", "/", "/deep", "/alias"),
        "/b": html("Page b", "/a"),
        "/deep": html("Deep", "/deeper"),
        "/alias": html("Other words", head="<link rel=canonical href=/a>"),
        "/deeper": html("Never"),
    }
    done = bench.run(source("/", depth=2))
    assert outcomes(bench, done) == {"/": "created", "/a": "created", "/b": "created", "/deep": "created", "/alias": "duplicate"}  # fmt: skip
    again = bench.run(source("/", depth=2))
    assert (again.created, again.unchanged, again.total) == (0, 4, 5)
    assert len(bench.rows()) == 4


def test_a_page_with_10_000_links_is_as_many_pages_as_were_wanted(bench, web):
    class Site(dict):
        def get(self, path, default=None):
            if path == "/robots.txt":
                return None
            links = [f"/{n}" for n in range(10_000)] if path == "/" else []
            return html(f"Page {path}", *links)

    kept, web.pages = web.pages, Site()
    try:
        done = bench.run(source("/", depth=1, pages=25))
    finally:
        web.pages = kept
    assert (done.state, done.total, done.created) == ("completed", 25, 25)


def test_a_sitemap_without_a_page_that_is_meant_fails_the_task_in_words(bench, web):
    web.pages["/sitemap.xml"] = answering(f"<urlset><url><loc>{BASE}/shop/1</loc></url></urlset>", "text/xml")  # fmt: skip
    made = bench.make(source(sitemap=f"{BASE}/sitemap.xml", include=["/news/*"]))
    failed = bench.start(made.id)
    assert failed.state == "failed"
    assert "lists no page that the task takes" in failed.reason


def test_a_task_that_waits_for_a_slow_site_stops_at_once_and_goes_on(bench, web, monkeypatch):
    made = bench.make(source(*(f"/{n}" for n in range(4)), depth=0, delay=600))
    web.pages |= {f"/{n}": html(f"Page {n}") for n in range(4)}

    def stopping(handler):
        html("Page 0")(handler)
        stop_task(bench.records, made.id, "ada")

    web.pages |= {f"/{n}": stopping for n in range(4)}
    monkeypatch.setattr(working, "LOOK_SECONDS", 0.05)
    stopped = bench.start(made.id)  # which would take half an hour
    assert stopped.state == "stopped"
    assert stopped.pending in (3, 4)  # the page that was there may have been read in time


def test_raw_pages_are_kept_if_asked_for(bench, web):
    web.pages["/a"] = answering(ARTICLE.html)
    bench.run(source("/a"), keep_raw=True)
    (row,) = bench.rows()
    assert hashlib.sha256(ARTICLE.html.encode()).hexdigest() in str(row)
