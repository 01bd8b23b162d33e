from __future__ import annotations

import pytest

from benchmarks.article_pages import LAYOUTS, WORDS, make_page, quality
from resources.documents.document import Code, Heading, ImageRef, ListItem, Paragraph, Table
from resources.documents.limits import ReadLimits
from resources.documents.markdown import to_text
from resources.documents.reader import open_reader
from resources.documents.refusals import DocumentRefusedError
from resources.documents.requests import ReadWanted
from resources.sandbox.limits import MB
from resources.sandbox.ranges import BytesSource

URL = "https://example.org/news/a?x=1"
SENTENCE = "This sentence is long enough to be part of an article, and it has a full stop."


def read(reader, html, charset="", address=URL):
    data = html if isinstance(html, bytes) else html.encode()
    source = BytesSource(data, "page.html")
    return reader.read("webpage", source, ReadWanted(address=address, charset=charset))


def refusal(reader, html):
    with pytest.raises(DocumentRefusedError) as caught:
        read(reader, html)
    return caught.value


def outcome(reader, html):
    """The rule by which a page is refused, or what was left out of it; it has the sentence."""
    try:
        document = read(reader, html)
    except DocumentRefusedError as refused:
        return refused.rule
    assert SENTENCE in to_text(document) or "left_out" in document.metadata
    return document.metadata.get("left_out", "")


def page(body, head="<title>The title</title>"):
    return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>"


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_sentence_once_in_order_and_nothing_of_what_is_around(reader, layout, language):
    made = make_page(layout, language)
    document = read(reader, made.html)
    found = quality(made, to_text(document))
    assert document.blocks[0] == Heading(1, "The title")
    assert (found.lost, found.twice, found.is_ordered) == (0, 0, True)
    # Where neither a name nor an element tells, what reads like the article is taken for it.
    assert found.foreign <= (12 if layout == "interrupted, no names" else 0)


def test_the_form_of_an_article(reader):
    document = read(reader, make_page("article").html)
    kinds = [type(block) for block in document.blocks]
    assert {Heading, Paragraph, ListItem, Table, Code, ImageRef} == set(kinds)
    headings = [block for block in document.blocks if isinstance(block, Heading)]
    assert (headings[0].level, headings[0].text) == (1, "The title")
    assert [one.level for one in headings] == [1, 2, 3]
    items = [(b.level, b.ordered) for b in document.blocks if isinstance(b, ListItem)]
    assert items == [(1, False), (1, False), (1, False), (2, False), (1, True), (1, True)]
    (table,) = (block for block in document.blocks if isinstance(block, Table))
    assert (table.rows[0], table.header, len(table.rows)) == (["Name", "Value"], True, 5)
    (code,) = (block for block in document.blocks if isinstance(block, Code))
    assert code.text.startswith("def f(x):\n    return x")
    assert document.images == [ImageRef("https://example.org/img/a.png", "A picture")]


def test_what_a_page_says_of_itself(reader):
    document = read(reader, make_page("article").html)
    facts = (document.title, document.author, document.created, document.language, document.description)  # fmt: skip
    assert facts == ("The title", "Ada Lovelace", "2026-03-04T10:00:00Z", "en", "What it is about.")
    assert document.metadata["site"] == "Example"


def test_a_year_in_the_footer_is_no_date(reader):
    found = read(reader, page(f"<p>{SENTENCE}</p><footer>Copyright 2019 by us</footer>"))
    assert found.created == ""


def test_links_of_the_whole_page_that_robots_may_follow(reader):
    body = (
        f"<nav><a href='/nav'>Nav</a></nav><article><p>{SENTENCE} <a href='b?y=2#part'>B</a> <a href='/nav#x'>again</a>"
        " <a href='/no' rel='nofollow'>no</a> <a href='mailto:x@y'>m</a> <a href='#top'>t</a> <a href='https://[::1'>bad</a></p></article>"
    )
    links = read(reader, page(body)).links
    assert [(one.text, one.target) for one in links] == [
        ("Nav", "https://example.org/nav"),
        ("B", "https://example.org/news/b?y=2"),
        ("t", URL),
    ]
    based = page(body, "<base href='https://other.example/x/'>")
    assert read(reader, based).links[1].target == "https://other.example/x/b?y=2"


def test_line_breaks_part_lines_and_two_of_them_paragraphs(reader):
    html = page(f"<div>{SENTENCE}<br>Second line of it.<br><br>{SENTENCE.replace('This', 'Another')}</div>")  # fmt: skip
    assert [block.text for block in read(reader, html).blocks] == [
        f"{SENTENCE}\nSecond line of it.",
        SENTENCE.replace("This", "Another"),
    ]


@pytest.mark.parametrize(
    "html",
    [
        "<html><head><title>x</title></head><body></body></html>",
        "<html><body><div id=root></div><script>start()</script><noscript>You need to enable JavaScript to run this app.</noscript></body></html>",
        "<html><body><img src=a.png><nav><a href=/>Home</a></nav></body></html>",
        "<!doctype html>\n",
        "<html><!-- nothing -->",
    ],
    ids=["empty", "javascript", "picture", "doctype", "comment"],
)  # fmt: skip
def test_a_page_without_readable_text_says_so(reader, html):
    refused = refusal(reader, html)
    assert (refused.rule, refused.message) == ("no_text", "The page has no readable text; it may need JavaScript")  # fmt: skip


@pytest.mark.parametrize("text", ["Hello world.", "Closed.", "閉店"])
def test_a_page_of_a_few_words(reader, text):
    assert to_text(read(reader, page(f"<p>{text}</p>"))).strip().endswith(text)


@pytest.mark.parametrize(
    ("codec", "announced", "head"),
    [("utf-16", "", ""), ("utf-8-sig", "latin-1", ""), ("cp932", "Shift_JIS", ""), ("cp932", "", "<meta charset=shift_jis>"),
     ("euc_jp", "", "<meta http-equiv='Content-Type' content='text/html; charset=EUC-JP'>")],
)  # fmt: skip
def test_encodings(reader, codec, announced, head):
    text = "これは日本語の文章であり、記事の一部として十分に長い文である。"
    html = page(f"<p>{text}</p>", head + "<title>日本</title>")
    document = read(reader, html.encode(codec), announced)
    assert (document.title, [b.text for b in document.blocks]) == ("日本", [text])


def test_western_windows_text(reader):
    text = "Crème brûlée coûte “5 €” à la carte, et c'est une phrase assez longue."
    for announced in ("windows-1252", "iso-8859-1", "utf-8", ""):
        document = read(reader, page(f"<p>{text}</p>").encode("cp1252"), announced)
        assert [block.text for block in document.blocks] == [text]


def test_nothing_that_obeys_no_text_gets_into_it(reader):
    document = read(reader, page(f"<h1>A&#27;[31m</h1><p>{SENTENCE}&#0;&#27;&#xFFFE;\u200b</p>"))
    assert all(c.isprintable() or c in "\n\u200b" for c in to_text(document))


@pytest.fixture(scope="module")
def strict():
    """A reader with limits that are soon reached."""
    with open_reader(
        ReadLimits(memory_bytes=200 * MB, cpu_seconds=1, seconds=100), workers=1
    ) as one:
        yield one


NESTED = {
    "divs": "<div>" * 100_000 + SENTENCE,
    "inline": "<b>" * 100_000 + SENTENCE,
    "tables": "<table><tr><td>" * 800 + SENTENCE,
    "lists": "<ul><li>" * 1_100 + SENTENCE,
    "fonts": "".join(f"<font size={n}>{SENTENCE} " for n in range(5_000)),
}


@pytest.mark.parametrize("body", NESTED.values(), ids=list(NESTED))
def test_nesting_without_end_is_told(strict, body):
    told = outcome(strict, page(body))
    assert told in ("unreadable", "over_time", "what is nested too deep")


def test_what_comes_before_is_read(reader):
    document = read(reader, page(f"<p>{SENTENCE}</p>" + "<span>" * 100_000))
    assert document.blocks == [Paragraph(SENTENCE)]
    assert document.metadata["left_out"] == "what is nested too deep"


HOSTILE = {
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(30_000)) + f">{SENTENCE}</p>",
    "one attribute": f"<p title='{'x' * 2_000_000}'>{SENTENCE}</p>",
    "entities": f"<p>{SENTENCE}</p>" + "&amp;" * 200_000,
    "spaces": f"<p>{SENTENCE}</p>" + " " * 2_000_000,
    "breaks": f"<p>{SENTENCE}" + "<br>" * 20_000,
    "wide table": "<table>" + "<tr>" + "<td>x" * 10_000 + "<tr><td>y</table>" + SENTENCE,
    "css": f"<style>{'a{' * 500_000}</style><p>{SENTENCE}</p>",
    "json": f"<script type='application/ld+json'>{'[' * 200_000}</script><p>{SENTENCE}</p>",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_pages_are_read_within_the_limits_or_fail_alone(strict, body):
    assert outcome(strict, page(body)) in ("", "over_time", "over_memory")
    assert read(strict, page(f"<p>{SENTENCE}</p>")).blocks == [Paragraph(SENTENCE)]


def test_links_are_as_many_as_can_be_kept(reader):
    body = "".join(f"<a href=/{n}>page {n}</a>" for n in range(10_100))
    assert len(read(reader, page(f"<p>{SENTENCE}</p>{body}")).links) == 10_000


def test_a_page_of_5_mb(reader):
    paragraphs = [f"Number {n}. " + f"{SENTENCE} " * 29 + SENTENCE for n in range(2_200)]
    html = page("<article>" + "".join(f"<p>{one}</p>" for one in paragraphs) + "</article>")
    assert len(html) > 5_000_000
    assert [block.text for block in read(reader, html).blocks] == paragraphs


def test_a_page_that_is_something_else(reader):
    assert refusal(reader, b"\x89PNG\r\n\x1a\n" + b"\0" * 100).rule == "type_mismatch"
