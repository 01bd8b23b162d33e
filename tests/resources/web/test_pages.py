from __future__ import annotations

import hashlib
import threading
import time

import pytest

from resources.kernel.errors import InputError, WaybillError
from resources.kernel.retries import RetryPolicy
from resources.web.client import WebClient, WebLimits
from resources.web.failures import rule_of
from resources.web.pages import PageReader, normal_url
from resources.web.turns import StoppedError, Turns
from tests.servers.web import answering, one_after_the_other, sent_on

HTML = "<!doctype html><title>News</title><p>Text.</p>"
URL = "https://news.example/a"


def reader(web, *, pause=0.0, attempts=3, turns=None, **limits):
    client = WebClient(WebLimits(**limits), web.network, "Waybill/0 (+me@example.org)")
    return PageReader(client, turns or Turns(), pause=pause, attempts=RetryPolicy(attempts))


def failure(web, path="/a", scratch=None, **more):
    with pytest.raises(WaybillError) as caught:
        reader(web, **more).fetch(f"https://news.example{path}", scratch / "page")
    return caught.value


def paths(web):
    return [path for path, _ in web.asked]


def test_a_page_with_what_its_answer_says(web, tmp_path):
    web.pages |= {
        "/a": sent_on("/b"),
        "/b": answering(HTML, "text/html; charset=Shift_JIS", ETag='W/"7"', X_Robots_Tag="nofollow"),
    }  # fmt: skip
    page = reader(web).fetch(URL, tmp_path / "page")
    assert (tmp_path / "page").read_text() == HTML
    assert (page.url, page.name, page.media_type, page.charset) == ("https://news.example/b", "b.html", "text/html", "Shift_JIS")  # fmt: skip
    assert (page.size, page.sha256) == (len(HTML), hashlib.sha256(HTML.encode()).hexdigest())
    assert page.fingerprint == 'If-None-Match: W/"7"'
    assert not page.head.directives.follow
    assert paths(web) == ["/robots.txt", "/a", "/b"]
    assert {headers["user-agent"] for _, headers in web.asked} == {"Waybill/0 (+me@example.org)"}
    assert {headers["accept-encoding"] for _, headers in web.asked} == {"identity"}


def test_a_document_behind_an_address_is_handed_on_with_its_type(web, tmp_path):
    web.pages["/report"] = answering(b"%PDF-1.7", "application/pdf")
    page = reader(web).fetch("https://news.example/report", tmp_path / "page")
    assert (page.name, page.media_type, page.is_html) == ("report.pdf", "application/pdf", False)


@pytest.mark.parametrize(
    "headers",
    [{"ETag": '"1"'}, {"Last_Modified": "Mon, 30 Nov 2026 10:00:00 GMT"}],
    ids=["etag", "date"],
)
def test_what_is_unchanged_is_not_sent_again(web, tmp_path, headers):
    def page(handler):
        known = {handler.headers.get("If-None-Match"), handler.headers.get("If-Modified-Since")}
        status = 304 if known & set(headers.values()) else 200
        answering(HTML if status == 200 else "", status=status, **headers)(handler)

    web.pages["/a"] = page
    first = reader(web).fetch(URL, tmp_path / "page")
    assert reader(web).fetch(URL, tmp_path / "again", first.fingerprint) is None
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize(
    "known", ["", "If-None-Match: x", 'If-None-Match: "a"\r\nX: y', "Cookie: a", "If-Modified-Since: soon", "size 5"]
)  # fmt: skip
def test_a_fingerprint_that_is_none_asks_for_all(web, tmp_path, known):
    web.pages["/a"] = answering(HTML)
    assert reader(web).fetch(URL, tmp_path / "page", known).size == len(HTML)
    assert not {"cookie", "x", "if-none-match", "if-modified-since"} & set(web.asked[-1][1])


def test_a_304_that_nobody_asked_for_is_no_page(web, tmp_path):
    web.pages["/a"] = answering(status=304)
    assert rule_of(failure(web, scratch=tmp_path)) == "unexpected_answer"


def test_what_may_pass_is_tried_again_and_the_rest_is_not(web, tmp_path):
    web.pages |= {
        "/a": one_after_the_other(answering(status=503), answering(status=500), answering(HTML)),
        "/gone": answering(status=404),
        "/down": answering(status=500),
    }
    assert reader(web).fetch(URL, tmp_path / "page").size == len(HTML)
    assert rule_of(failure(web, "/gone", tmp_path)) == "not_found"
    assert rule_of(failure(web, "/down", tmp_path)) == "server_error"
    assert [paths(web).count(path) for path in ("/a", "/gone", "/down")] == [3, 1, 3]


def test_a_busy_site_is_left_alone_as_long_as_it_says_by_all_threads(web, tmp_path):
    web.pages |= {
        "/a": one_after_the_other(answering(status=429, Retry_After="1"), answering(HTML)),
        "/b": answering(HTML),
    }
    turns, at = Turns(), []
    pages = reader(web, turns=turns)
    began = time.monotonic()
    waiting = threading.Thread(target=lambda: at.append(pages.fetch(URL, tmp_path / "a")))
    waiting.start()
    while not turns._held_until:  # the answer is on its way
        time.sleep(0.01)
    pages.fetch("https://news.example/b", tmp_path / "b")
    assert time.monotonic() - began > 0.9
    waiting.join()
    assert at[0].size == len(HTML)


def test_a_site_that_wants_to_be_left_alone_for_long_is_told_of(web, tmp_path):
    web.pages["/a"] = answering(status=429, Retry_After="3600")
    error = failure(web, scratch=tmp_path)
    assert (rule_of(error), error.facts["retry_after"]) == ("rate_limited", "3600")
    assert paths(web).count("/a") == 1


def test_robots_are_asked_at_each_hop(web, tmp_path):
    web.pages |= {
        "/robots.txt": b"User-agent: *\nDisallow: /private",
        "/a": sent_on("/private/a"),
        "/private/a": answering(HTML),
    }
    error = failure(web, scratch=tmp_path)
    assert rule_of(error) == "refused_by_robots"
    assert "line 2: Disallow: /private" in str(error)
    assert "/private/a" not in paths(web)


def test_a_moment_in_which_robots_cannot_be_read_costs_no_page(web, tmp_path):
    web.pages |= {
        "/robots.txt": one_after_the_other(answering(status=503), lambda handler: None, answering(status=404)),
        "/a": answering(HTML),
    }  # fmt: skip
    assert reader(web).fetch(URL, tmp_path / "page").size == len(HTML)


def test_a_name_that_leads_inside_later_is_refused_then(web, tmp_path):
    web.pages["/a"] = answering(HTML)
    pages = reader(web)
    pages.fetch(URL, tmp_path / "page")
    web.names["news.example"] = ["192.168.0.1"]
    with pytest.raises(WaybillError) as caught:
        pages.fetch(URL, tmp_path / "page")
    assert rule_of(caught.value) == "address_refused"
    assert set(web.dialled) == {"93.184.216.34"}


def test_a_site_that_asks_for_days_between_requests_is_left_alone(web, tmp_path):
    web.pages |= {"/robots.txt": b"User-agent: *\nCrawl-delay: 86400", "/a": answering(HTML)}
    error = failure(web, scratch=tmp_path)
    assert rule_of(error) == "refused_by_robots"
    assert "86,400 seconds" in str(error)


def test_the_longest_pause_counts(web, tmp_path):
    web.pages |= {
        "/robots.txt": b"User-agent: *\nCrawl-delay: 0.4",
        "/a": answering(HTML),
    }
    pages = reader(web, pause=0.1)
    began = time.monotonic()
    for _ in range(3):
        pages.fetch(URL, tmp_path / "page")
    assert time.monotonic() - began > 0.79


def test_waiting_costs_no_time_of_the_answer(web, tmp_path):
    web.pages |= {"/a": sent_on("/b"), "/b": answering(HTML)}
    pages = reader(web, pause=0.6, seconds=0.5)
    assert pages.fetch(URL, tmp_path / "page").size == len(HTML)


def test_who_waits_ends_when_the_task_is_stopped(web, tmp_path):
    stopped = threading.Event()
    web.pages["/a"] = answering(HTML)
    pages = reader(web, pause=600, turns=Turns(stopped))
    pages.fetch(URL, tmp_path / "page")
    threading.Timer(0.1, stopped.set).start()
    with pytest.raises(StoppedError):
        pages.fetch(URL, tmp_path / "page")


def test_what_goes_beyond_a_limit_leaves_no_page(web, tmp_path):
    web.pages["/a"] = answering(b"x" * 10_000)
    assert rule_of(failure(web, scratch=tmp_path, bytes=5_000)) == "too_large"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://News.Example:443/a#b", "https://news.example/a"),
        ("https://news.example", "https://news.example/"),
        ("https://news.example/%7ea/%c3%a9?q=%2f", "https://news.example/~a/%C3%A9?q=%2F"),
        ("https://news.example/a/?utm_source=x&b=1", "https://news.example/a/?utm_source=x&b=1"),
        ("https://bücher.example/é", "https://xn--bcher-kva.example/%C3%A9"),
    ],
)
def test_addresses_as_pages_are_known_by(url, expected):
    assert normal_url(url) == expected
    assert normal_url(expected) == expected


def test_what_is_no_address():
    with pytest.raises(InputError):
        normal_url("http://news.example/")
