"""A document as Markdown, text and JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from resources.documents.document import (
    Code,
    Document,
    Heading,
    ImageRef,
    ListItem,
    Paragraph,
    Table,
)
from resources.documents.markdown import to_json, to_markdown, to_text
from tests.resources.documents.test_reader import read

DOCUMENT = Document(
    title="Tea",
    blocks=[
        Heading(1, "Kinds of tea"),
        Paragraph("Green,\nblack."),
        ListItem("one"),
        ListItem("two", 2),
        ListItem("three", ordered=True),
        ListItem("four", ordered=True),
        Table([["name", "sum"], ["a|b", "1\n2"]], header=True),
        Table([["x", "y"]]),
        Code("if x:\n    y = '```'", "py"),
        ImageRef("a b.png", "A cup", 3),
    ],
)


def test_markdown():
    assert to_markdown(DOCUMENT) == (
        "# Kinds of tea\n\nGreen,  \nblack.\n\n- one\n   - two\n1. three\n2. four\n\n"
        "| name | sum |\n| --- | --- |\n| a\\|b | 1<br>2 |\n\n|  |  |\n| --- | --- |\n| x | y |\n\n"
        "````py\nif x:\n    y = '```'\n````\n\n![A cup](<a b.png>)"
    )


def test_text():
    assert to_text(DOCUMENT) == (
        "Kinds of tea\n\nGreen,\nblack.\n\n- one\n  - two\n- three\n- four\n\nname\tsum\na|b\t1 2\n\nx\ty\n\n"
        "if x:\n    y = '```'\n\nA cup"
    )


def test_json_holds_all_of_it():
    found = json.loads(to_json(DOCUMENT))
    assert found["title"] == "Tea"
    assert found["blocks"][0] == {
        "type": "heading",
        "level": 1,
        "text": "Kinds of tea",
        "page": None,
    }


def test_text_that_looks_like_marks_stays_text():
    words = ["# no heading", "1. no list", "- no item", "*no stress* _nor this_", "<b>no tag</b>", "[no](link)", "> no quote", "a_b `c`", "==="]  # fmt: skip
    shown = (
        MarkdownIt("commonmark")
        .enable("table")
        .parse(to_markdown(Document(blocks=[Paragraph(one) for one in words])))
    )
    assert [token.type for token in shown if token.type.endswith("_open")] == ["paragraph_open"] * len(words)  # fmt: skip
    assert ["".join(c.content for c in t.children) for t in shown if t.type == "inline"] == words


CELLS = st.text(alphabet="#>+-=~ \t19.)|*_[]<>\\`\na\u2009", max_size=6)


@given(CELLS)
def test_a_cell_is_escaped_as_any_text_is(text):
    [_, _, row] = to_markdown(Document(blocks=[Table([["x"], [text]], header=True)])).split("\n")
    alone = to_markdown(Document(blocks=[Heading(1, text)])).removeprefix("# ")
    escaped = alone.replace("|", "\\|").replace("\n", "<br>")
    assert row == f"| {escaped} |"


def test_what_was_read_comes_back_from_its_markdown(reader):
    blocks = [block for block in DOCUMENT.blocks if not isinstance(block, ImageRef)]
    blocks[5] = Table([["name", "sum"], ["tea", "12"]], header=True)
    del blocks[6]
    again = read(reader, "markdown", to_markdown(Document(blocks=blocks)))
    assert again.blocks == blocks
