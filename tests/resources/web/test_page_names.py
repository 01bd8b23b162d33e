from __future__ import annotations

import pytest

from resources.web.page_names import charset_of, file_name_of, media_type_of


@pytest.mark.parametrize(
    ("header", "start", "expected"),
    [
        ("text/html; charset=utf-8", b"", "text/html"),
        ("TEXT/HTML", b"", "text/html"),
        ("application/xhtml+xml", b"", "text/html"),
        ("", b"\xef\xbb\xbf \n<!DOCTYPE html>", "text/html"),
        ("application/octet-stream", b"<html>", "text/html"),
        ("text/plain", b"<html>", "text/plain"),
        ("application/pdf", b"%PDF", "application/pdf"),
        ("", b"%PDF", ""),
    ],
)
def test_media_types(header, start, expected):
    assert media_type_of(header, start) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [("text/html; charset=utf-8", "utf-8"), ('text/html;Charset = "Shift_JIS"', "Shift_JIS"), ("text/html", "")],
)  # fmt: skip
def test_charsets(header, expected):
    assert charset_of(header) == expected


@pytest.mark.parametrize(
    ("url", "media_type", "disposition", "expected"),
    [
        ("https://x.example/", "text/html", "", "page.html"),
        ("https://x.example/news/", "text/html", "", "news.html"),
        ("https://x.example/a.php?id=1", "text/html", "", "a.html"),
        ("https://x.example/a.HTML", "text/html", "", "a.HTML"),
        ("https://x.example/report", "application/pdf", "", "report.pdf"),
        ("https://x.example/report.pdf", "application/octet-stream", "", "report.pdf"),
        ("https://x.example/get?id=1", "application/octet-stream", 'attachment; filename="r 1.docx"', "r 1.docx"),
        ("https://x.example/get", "", "attachment; filename*=UTF-8''%E6%97%A5.pdf", "日.pdf"),
        ("https://x.example/get", "", 'attachment; filename="../../etc/passwd"', "passwd"),
        ("https://x.example/readme.md", "text/plain", "", "readme.md"),
        ("https://x.example/notes", "text/plain", "", "notes.txt"),
        ("https://x.example/p.jpeg", "image/jpeg", "", "p.jpeg"),
        ("https://x.example/%E6%97%A5%2f..%2f", "text/html", "", "page.html"),
        ("https://x.example/data", "application/x-no-such-thing", "", "data"),
    ],
)  # fmt: skip
def test_file_names(url, media_type, disposition, expected):
    assert file_name_of(url, media_type, disposition) == expected
