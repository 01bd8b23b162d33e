from __future__ import annotations

import pytest

from resources.web.head import HEAD_BYTES, look_at_head

URL = "https://news.example/a/b?x=1"


def said(html, **more):
    found = look_at_head(html.encode() if isinstance(html, str) else html, URL, **more).directives
    return found.index, found.follow


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<meta name="robots" content="noindex">', (False, True)),
        ("<META CONTENT='NoFollow, NOARCHIVE' NAME='ROBOTS' />", (True, False)),
        ("<meta name=robots content=none>", (False, False)),
        ('<meta name="waybill" content="noindex, nofollow">', (False, False)),
        ('<meta name="googlebot" content="noindex">', (True, True)),
        ('<meta name="robots" content="index, follow, max-snippet:-1">', (True, True)),
        ('<!-- <meta name="robots" content="noindex"> -->', (True, True)),
        ('<script>"<meta name=robots content=noindex>"</script>', (True, True)),
        ('<noscript><meta name="robots" content="noindex"></noscript>', (True, True)),
        ('</head><meta name="robots" content="noindex">', (True, True)),
        ('<body><meta name="robots" content="noindex">', (True, True)),
        ("<title><meta name=robots content=none></title>", (True, True)),
        ("", (True, True)),
    ],
)
def test_what_a_page_allows(html, expected):
    assert said(html) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["noindex"], (False, True)),
        (["googlebot: noindex, nofollow"], (True, True)),
        (["googlebot: noindex", "nofollow"], (True, False)),
        (["waybill: none"], (False, False)),
        (["otherbot: noindex, waybill: nofollow"], (True, False)),
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, max-snippet:3"], (True, True)),
    ],
)
def test_what_a_header_allows(tags, expected):
    assert said("", tags=tags) == expected


def test_where_it_was_said():
    found = look_at_head(b"<meta name=robots content=noindex>", URL, tags=["none, \x1b[31m"])
    assert found.directives.said == "X-Robots-Tag: none, [31m; meta robots: noindex"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<link rel="canonical" href="/c?y=1&amp;z=2">', "https://news.example/c?y=1&z=2"),
        ('<link href=d rel="alternate CANONICAL">', "https://news.example/a/d"),
        ('<base href="https://other.example/x/"><link rel=canonical href=y>', "https://other.example/x/y"),
        ('<link rel="canonical" href="">', ""),
        ('<link rel="canonical" href="https://[::1">', ""),
        ('<link rel="stylesheet" href="/c">', ""),
    ],
)  # fmt: skip
def test_the_address_that_a_page_wants_to_be_known_by(html, expected):
    assert look_at_head(html.encode(), URL).canonical == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp932"])
def test_encodings(encoding):
    html = "<title>日本語</title><meta name='robots' content='noindex'>"
    assert said(html.encode(encoding), charset="shift_jis") == (False, True)
    assert said(html.encode(encoding), charset="no-such-charset") == (False, True)


@pytest.mark.parametrize(
    "piece", [b"<!--", b"<script>", b"<meta ", b"<", b"<meta a=", b'<link rel="canonical', b"<title>", b"<meta name='"]
)  # fmt: skip
def test_hostile_heads_are_looked_at_once(piece):
    assert said(piece * (2 * HEAD_BYTES // len(piece))) == (True, True)
