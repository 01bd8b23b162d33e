from __future__ import annotations

import pytest

from resources.kernel.errors import WaybillError
from resources.web.addresses import check_url
from resources.web.client import WebClient
from resources.web.failures import rule_of
from resources.web.robots import SIZE_LIMIT, RobotsFiles
from tests.servers.web import answering, sent_on

RULES = """
# of a shop
User-agent: googlebot
Disallow: /secret/for/google

User-agent: waybill
User-agent: other
Disallow: /private/   # ours
Disallow: /*.cgi$
Allow: /private/open
Crawl-delay: 7

User-agent: *
Disallow: /
"""


def robots(web, turn=lambda host: None):
    return RobotsFiles(WebClient(network=web.network), turn)


def refusal(files, path, host="news.example"):
    with pytest.raises(WaybillError) as caught:
        files.check(check_url(f"https://{host}{path}"))
    return caught.value


def test_rules_for_us_come_before_those_for_all_and_the_longer_one_counts(web):
    web.pages["/robots.txt"] = RULES.encode()
    files = robots(web)
    for path in ("/", "/news?x=1", "/private/open/1", "/a.cgi?x", "/secret/for/google"):
        files.check(check_url(f"https://news.example{path}"))
    error = refusal(files, "/private/a")
    assert (rule_of(error), error.facts["line"]) == ("refused_by_robots", "line 8: Disallow: /private/ # ours")  # fmt: skip
    assert refusal(files, "/b/a.cgi").facts["line"] == "line 9: Disallow: /*.cgi$"
    assert files.pause("news.example") == 7
    assert [path for path, _ in web.asked] == ["/robots.txt"]


def test_a_refusal_of_all_names_its_line(web):
    web.pages["/robots.txt"] = b"User-agent: *\nDisallow: /\n"
    assert "line 2: Disallow: /" in str(refusal(robots(web), "/x"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_site_without_rules_allows_all(web, status):
    web.pages["/robots.txt"] = answering(status=status)
    robots(web).check(check_url("https://news.example/a"))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_site_that_cannot_say_refuses_for_now(web, status):
    web.pages["/robots.txt"] = answering(status=status)
    files = robots(web)
    error = refusal(files, "/a")
    assert rule_of(error) == "refused_by_robots"
    assert f"status {status}" in str(error)
    refusal(files, "/b")
    assert len(web.asked) == 1  # not once a page


def test_a_site_that_is_not_there_says_so_itself(web):
    web.names["inside.example"] = ["127.0.0.1"]
    assert rule_of(refusal(robots(web), "/a", "inside.example")) == "address_refused"
    assert rule_of(refusal(robots(web), "/a", "stranger.example")) == "tls"


def test_redirects_are_followed_and_judged(web):
    web.pages |= {
        "/robots.txt": sent_on("https://other.example/rules"),
        "/rules": b"User-agent: *\nDisallow: /a",
    }
    assert rule_of(refusal(robots(web), "/a")) == "refused_by_robots"
    web.pages["/robots.txt"] = sent_on("http://169.254.169.254/latest")
    assert rule_of(refusal(robots(web), "/b")) == "not_https"


def test_only_the_beginning_of_an_endless_file_is_read(web):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"User-agent: *\nDisallow: /a\n")
        while True:
            handler.wfile.write(b"Disallow: /b\n" * 5_000)
            sent.append(65_000)

    web.pages["/robots.txt"] = endless
    files = robots(web)
    assert rule_of(refusal(files, "/a")) == "refused_by_robots"
    files.check(check_url("https://news.example/c"))
    assert sum(sent) < SIZE_LIMIT + 20_000_000


@pytest.mark.parametrize(
    "content",
    [b"", b"<!doctype html><html><body>Not found</body></html>", b"\xff\xfe\x00", b"\x00" * 1_000,
     b"Disallow: /", b"User-agent: *\nDisallow:", b"User-agent: *\r\nDisallow: \r\nCrawl-delay: soon", b"\xef\xbb\xbfUser-agent: *\nAllow: /"],
    ids=["empty", "html", "bytes", "nul", "no agent", "nothing", "words", "bom"],
)  # fmt: skip
def test_what_says_nothing_allows_all(web, content):
    web.pages["/robots.txt"] = content
    files = robots(web)
    files.check(check_url("https://news.example/a"))
    assert files.pause("news.example") == 0


def test_a_line_that_would_write_to_a_terminal(web):
    web.pages["/robots.txt"] = b"User-agent: *\nDisallow: /a # \x1b[31mred\x07" + b"x" * 1_000
    error = refusal(robots(web), "/a")
    assert str(error).isprintable()
    assert len(error.facts["line"]) < 150


def test_a_rate_is_a_pause(web):
    web.pages["/robots.txt"] = b"User-agent: *\nRequest-rate: 1/10\nCrawl-delay: 2"
    files = robots(web)
    files.check(check_url("https://news.example/a"))
    assert files.pause("news.example") == 10
    assert files.pause("other.example") == 0
