from __future__ import annotations

import gzip

import pytest

from resources.import_tasks import rules
from resources.kernel.errors import ConnectorUnavailableError, InputError, WaybillError
from resources.web.client import Network, WebClient, WebLimits
from resources.web.failures import MAY_PASS, RULES, retry_after_of, rule_of
from tests.servers.web import answering, sent_on

NOW = 1_800_000_000.0


def dripping(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    handler.connection.settimeout(5)
    handler.connection.recv(1)  # until the client is gone


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"x" * 40)


def two_lengths(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1")
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"xx")


ANSWERS = {
    "not_found": answering(status=404),
    "forbidden": answering(status=403),
    "rate_limited": answering(status=429),
    "server_error": answering(status=502),
    "unexpected_answer": answering(status=418),
    "encoded": answering(gzip.compress(b"x" * 1_000_000), Content_Encoding="gzip"),
    "too_large": answering(b"x" * 2_000),
    "cut_off": cut,
    "wrong_length": two_lengths,
    "timeout": dripping,
    "redirects": sent_on("/a"),
    "not_https": sent_on("http://news.example/b"),
    "address_refused": sent_on("https://inside.example/"),
}


@pytest.mark.parametrize(("rule", "answer"), ANSWERS.items(), ids=list(ANSWERS))
def test_each_failure_has_one_rule(web, rule, answer):
    web.names["inside.example"] = ["10.0.0.1"]
    web.pages["/a"] = answer
    limits = WebLimits(bytes=1_000, seconds=0.5 if rule == "timeout" else 20)
    client = WebClient(limits, web.network)
    with (
        pytest.raises(WaybillError) as caught,
        client.get("https://news.example/a") as got,
    ):
        got.read()
    assert rule_of(caught.value) == rule
    assert rule in RULES


@pytest.mark.parametrize(
    "length",
    ["-1", "1e3", "abc", "+5", "9" * 40],
    ids=["negative", "float", "word", "plus", "huge"],
)
def test_a_length_that_cannot_be(web, length):
    web.pages["/a"] = answering(b"x", content_length=length)
    with (
        pytest.raises(WaybillError) as caught,
        WebClient(network=web.network).get("https://news.example/a"),
    ):
        pass
    assert rule_of(caught.value) == "wrong_length"


def test_what_is_no_http_at_all(web):
    web.pages["/a"] = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    with pytest.raises(WaybillError, match="is no HTTP") as caught, WebClient(network=web.network).get("https://news.example/a"):  # fmt: skip
        pass
    assert rule_of(caught.value) == "unexpected_answer"


def test_names_certificates_and_servers_that_are_not_there(web):
    def nobody(address, seconds):
        raise ConnectionRefusedError("refused")

    def no_name(host):
        raise OSError("no such name")

    def rule(network, url="https://news.example/"):
        with pytest.raises(WaybillError) as caught, WebClient(network=network).get(url):
            pass
        return rule_of(caught.value)

    assert rule(Network(no_name, nobody)) == "dns"
    assert rule(Network(lambda _: ["1.1.1.1"], nobody)) == "unreachable"
    assert rule(web.network, "https://stranger.example/") == "tls"


def test_tasks_know_each_rule():
    assert set(RULES) <= set(rules.MEANINGS)
    assert MAY_PASS <= rules.PASSING


def test_an_error_of_something_else_has_no_rule():
    assert rule_of(InputError("x")) is None
    assert rule_of(InputError("x", rule="no_such_rule")) is None
    assert set(RULES) > MAY_PASS


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("120", 120), (" 5 ", 5), ("0", 0), ("Fri, 15 Jan 2027 08:00:10 GMT", 10), ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
     ("", None), ("soon", None), ("-5", None), ("1.5", None), ("9" * 500, 604_800), ("Mon, 99 Foo", None)],
)  # fmt: skip
def test_when_to_come_back(given, seconds):
    error = ConnectorUnavailableError("x", rule="rate_limited", retry_after=given)
    assert retry_after_of(error, NOW) == seconds
