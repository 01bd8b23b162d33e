"""Documents in pieces: all of the text, none too large, each under its headings."""

from __future__ import annotations

import itertools
import re

import pytest

from resources.documents.chunks import ChunkRule, chunks_of
from resources.documents.document import Document, Heading, ListItem, Paragraph, Table
from tests.resources.documents.pdf_files import sentence


def prose(first, last):
    return " ".join(sentence(number) for number in range(first, last))


DOCUMENT = Document(
    blocks=[
        Paragraph("Before all."),
        Heading(1, "Part", 1),
        Paragraph(prose(0, 5), 1),
        Heading(2, "Below", 2),
        Paragraph(prose(5, 60), 2),
        ListItem("an item", page=3),
        Heading(2, "Beside", 3),
        Heading(3, "Deep", 3),
        Paragraph(prose(60, 62), 4),
        Heading(1, "Sums", 5),
        Table([["name", "sum"], *[[f"row {n}", str(n)] for n in range(80)]], header=True, page=5),
    ]
)


def chunks(**rule):
    return list(chunks_of(DOCUMENT, ChunkRule(**rule)))


def test_a_piece_a_heading_and_more_where_its_text_is_large():
    found = chunks(size=1_000, overlap=0)
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    paths = list(dict.fromkeys(tuple(one.headings) for one in found))
    assert paths == [(), ("Part",), ("Part", "Below"), ("Part", "Beside", "Deep"), ("Sums",)]
    assert found[1].text == f"# Part\n\n{prose(0, 5)}"
    deep = next(one for one in found if "Deep" in one.headings)
    assert deep.text == f"## Beside\n\n### Deep\n\n{prose(60, 62)}"
    assert (deep.page_from, deep.page_to) == (3, 4)


@pytest.mark.parametrize("by", ["heading", "size"])
@pytest.mark.parametrize(("size", "overlap"), [(100, 0), (300, 50), (1_000, 200), (5_000, 0)])
def test_each_sentence_and_row_is_there_and_no_piece_is_too_large(by, size, overlap):
    found = chunks(by=by, size=size, overlap=overlap)
    assert max(len(one.text) for one in found) <= size
    text = "\n".join(one.text for one in found)
    numbers = [int(number) for number in re.findall(r"Sentence (\d+) tells", text)]
    assert list(dict.fromkeys(numbers)) == list(range(62))
    assert re.findall(r"\| row (\d+) \|", text) == [str(n) for n in range(80)]
    if not overlap:
        assert len(numbers) == 62


def test_by_size_pieces_hold_as_much_as_fits():
    by_size, by_heading = chunks(by="size", size=2_000, overlap=0), chunks(size=2_000, overlap=0)
    assert len(by_size) < len(by_heading)
    assert by_size[0].headings == []


def test_a_text_is_cut_behind_a_sentence_and_the_next_piece_begins_with_its_end():
    found = [one.text for one in chunks(size=500, overlap=100) if one.headings == ["Part", "Below"]]
    assert all(text.endswith(".") for text in found[:-1])
    for one, other in itertools.pairwise(found):
        assert other.split(". ")[0] in one


def test_a_table_is_cut_between_rows_and_its_header_repeated():
    found = [one.text for one in chunks(size=400) if one.headings == ["Sums"]]
    assert len(found) > 3
    assert all("| name | sum |" in text for text in found)


def test_words_without_spaces_and_chinese_are_cut_too():
    text = "文書は長い。" * 100
    found = list(chunks_of(Document(blocks=[Paragraph(text), Paragraph("x" * 950)]), ChunkRule(size=200, overlap=0)))  # fmt: skip
    assert "".join(one.text for one in found) == text + "x" * 950
    assert found[0].text.endswith("。")


def test_a_document_without_text_has_no_piece():
    assert list(chunks_of(Document(), ChunkRule())) == []
