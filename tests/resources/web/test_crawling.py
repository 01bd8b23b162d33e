from __future__ import annotations

import time
import tracemalloc

import pytest

from resources.web.crawling import CrawlRules, Frontier

START = "https://www.news.example/start"


def frontier(*known, **rules):
    found = Frontier(CrawlRules(**{"depth": 3, **rules}), known)
    found.add_site(START)
    found.take(START)
    return found


def linked(links, depth=0, **rules):
    return list(frontier(**rules).linked(START, depth, links))


def test_each_page_once_whatever_it_is_called():
    links = [
        "/a",
        "/a#top",
        "a",
        "./a",
        "https://WWW.News.example:443/a",
        " /a\n",
        "/b/../a",
        START,
        "#x",
        "",
        "/a/",
    ]
    assert linked(links) == ["https://www.news.example/a", "https://www.news.example/a/"]  # fmt: skip


@pytest.mark.parametrize(
    "link",
    ["http://www.news.example/a", "mailto:a@news.example", "javascript:void(0)", "ftp://x/y", "file:///etc/passwd", "data:text/html,x",
     "https://u:p@www.news.example/a", "https://www.news.example:8443/", "https://[::1", "//", "https://other.example/a", "https://news.example.evil/",
     "/a b\\c", "/" + "x" * 3_000, "/a/b/a/b/a/b/a/b", "/style.css", "/p.PNG?x=1"],
)  # fmt: skip
def test_what_is_never_followed(link):
    assert linked([link]) == []


def test_hosts_of_one_site():
    links = ["https://news.example/a", "https://blog.news.example/b", "https://www.other.example/c"]
    assert linked(links) == links[:2]
    assert linked(links, same_site=False) == links


def test_globs():
    links = ["/news/1", "/news/2?print=1", "/shop/1", "/news/a.pdf", "/news/p.png"]
    base = "https://www.news.example"
    assert linked(links, include=("/news/*",)) == [base + links[n] for n in (0, 1, 3, 4)]
    assert linked(links, include=("/news/*",), exclude=("*print=*", "*.p*")) == [base + "/news/1"]
    assert linked(links, exclude=("https://www.news.example/news*",)) == [base + "/shop/1"]


def test_a_hostile_glob_takes_no_time():
    began = time.process_time()
    assert linked(["/" + "a" * 2_000], exclude=("*a" * 400 + "b",)) != []
    assert time.process_time() - began < 5


def test_depth_and_number_of_pages():
    assert linked(["/a"], depth=3) == []
    assert len(linked([f"/{n}" for n in range(10_000)], pages=50)) == 49  # the start is one


def test_a_calendar_without_end_costs_no_more_than_its_pages():
    tracemalloc.start()
    found = frontier(pages=1_000, depth=100)
    pages, depth = [START], 0
    while pages:
        pages = list(found.linked(pages[0], depth, (f"/calendar?day={depth * 10_000 + n}" for n in range(10_000))))  # fmt: skip
        depth += 1
    assert found.is_full
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_what_was_taken_by_an_earlier_run_counts():
    found = frontier(START, "https://www.news.example/a", pages=3)
    assert list(found.linked(START, 0, ["/a", "/b", "/c"])) == ["https://www.news.example/b"]


def test_one_page_with_several_addresses_is_taken_once():
    found, page = frontier(), "https://www.news.example/page"
    first, second = list(found.linked(START, 0, ["/a", "/b"]))
    assert found.other_name(first, page) == ""
    assert found.other_name(first, page) == ""  # tried again
    assert found.other_name(second, page) == page
    assert found.other_name(second, START) == START
    assert found.other_name(second, "https://other.example/") == ""
    assert list(found.linked(START, 0, ["/page", "/c"])) == ["https://www.news.example/c"]


def test_why_an_address_is_left_out():
    found = frontier(include=("/news/*",), exclude=("*print*",))
    assert found.reason_against("https://x.example/") == "it is of another site"
    assert (
        found.reason_against("https://news.example/news/print") == "--exclude *print* leaves it out"
    )
    assert found.reason_against("https://news.example/shop") == "no --include fits it (/news/*)"  # fmt: skip
    assert found.reason_against("https://news.example/news/1") == ""
