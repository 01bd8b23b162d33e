from __future__ import annotations

import pytest

from resources.import_tasks.web_addresses import glob_problems, parse_addresses
from resources.kernel.errors import ParseError


def test_a_list_of_addresses():
    text = "\ufeff# pages\nhttps://a.example/1\r\n\n  https://a.example/2#part  # of the shop\nHTTPS://a.example/3\nhttps://a.example/1\n"
    assert parse_addresses(text, "list.txt") == ("https://a.example/1", "https://a.example/2#part", "HTTPS://a.example/3")  # fmt: skip
    assert parse_addresses("", "list.txt") == ()


@pytest.mark.parametrize("line", ["http://a.example", "a.example/1", "https://a b", "x\x1b[31m", "file:///etc/passwd"])  # fmt: skip
def test_a_line_that_is_none_is_named(line):
    with pytest.raises(ParseError, match=r"list\.txt") as caught:
        parse_addresses(f"https://a.example/1\n{line}", "list.txt")
    assert (caught.value.facts["line"], str(caught.value).isprintable()) == (2, True)


@pytest.mark.parametrize("glob", ["", "news/*", "http://x/*", "/a b", "/" + "x" * 2_000, "/a\x00"])
def test_a_glob_that_fits_nothing(glob):
    assert len(list(glob_problems(["/ok/*", "*.pdf", "https://a.example/?", glob]))) == 1
