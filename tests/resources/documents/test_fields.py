"""A user's own keys, filled by rules."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from resources.documents.document import Document, PageState, Paragraph
from resources.documents.fields import fill
from resources.kernel.errors import InputError


class Rule(NamedTuple):
    key: str
    source: str
    pattern: str


DOCUMENT = Document(
    title="Offer",
    author="Ada",
    metadata={"Keywords": "tea, cups"},
    blocks=[Paragraph("Invoice no. 4711 of 2026-11-30"), Paragraph("Total: 12 EUR")],
    pages=[PageState(1, "text")],
)
PATH = "s3://bucket/clients/acme/2026/offer.pdf"


@pytest.mark.parametrize(
    ("source", "pattern", "value"),
    [
        ("path", r"clients/([^/]+)/", "acme"),
        ("path", r"\d{4}", "2026"),
        ("regex", r"^Total: (\d+)", "12"),
        ("regex", r"(?:no|number)\. (\d+)|never", "4711"),
        ("metadata", "author", "Ada"),
        ("metadata", "keywords", "tea, cups"),
        ("metadata", "pages", "1"),
    ],
)
def test_a_rule_fills_its_key(source, pattern, value):
    assert fill([Rule("k", source, pattern)], PATH, DOCUMENT) == {"k": value}


def test_what_is_not_found_is_left_out_and_the_first_that_finds_something_counts():
    rules = [Rule("k", "regex", "never"), Rule("k", "metadata", "title"), Rule("k", "path", "s3"), Rule("x", "metadata", "none")]  # fmt: skip
    assert fill(rules, PATH, DOCUMENT) == {"k": "Offer"}


def test_a_pattern_that_never_ends_is_told():
    text = Document(blocks=[Paragraph("a" * 60 + "!")])
    with pytest.raises(InputError, match=r"field 'k': looking for .* took more than 2 s"):
        fill([Rule("k", "regex", r"^(a|aa|a)+$")], PATH, text)


def test_a_pattern_that_is_none_is_told():
    with pytest.raises(InputError, match="is no pattern"):
        fill([Rule("k", "path", "(")], PATH, DOCUMENT)
