"""PDF documents of which every sentence is known, in layouts that are hard to read: printed by Chromium, as people print pages."""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.resources.documents import pdf_files

CHROMIUM = "/usr/bin/chromium"
_HEAD = "<div style='font-size:8px;width:100%;text-align:center'>{}</div>"
_MARGINS = {"top": "2cm", "bottom": "2cm", "left": "2cm", "right": "2cm"}
_WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "finds",
    "difficult",
    "offices",
    "while",
    "affluent",
    "officials",
    "offer",
    "flowers",
    "and",
    "efficient",
    "wizards",
    "confirm",
    "that",
    "reflections",
    "of",
    "fine",
    "traffic",
    "affect",
    "a",
    "first",
    "floor",
    "beside",
    "the",
    "river",
    "in",
    "early",
    "autumn",
]
_SOFT_HYPHEN = "\u00ad"
_LONG = ("international", "organisation", "responsibility", "administration", "characterisation")
ARABIC = [
    "الجملة الأولى تقول شيئا مهما.", "الجملة الثانية تذكر عام 2024 وكلمة Waybill هنا.", "في الفقرة الثالثة كلام آخر عن النهر والمدينة.",
    "لا أحد يعرف الجواب الكامل حتى الآن.",
]  # fmt: skip
HEBREW = [
    "משפט ראשון על הנהר.",
    "משפט שני עם 42 מספרים וגם English בפנים.",
    "המשפט השלישי מסיים את הדף.",
]
ROWS = [["Name", "Amount", "Due", "Paid by"], *[[f"Item {n}", f"{n * 7}.50", f"May {n + 1}", f"Buyer {n}"] for n in range(12)]]  # fmt: skip


class Known(NamedTuple):
    """A document and what is in it."""

    sentences: list[str]
    rows: list[list[str]]
    path: Path


class _Layout(NamedTuple):
    body: str
    sentences: list[str]
    rows: Sequence[Sequence[str]] = ()


def sentence(number: int, *, is_long: bool = False) -> str:
    """A sentence that no other is like."""
    words = [_WORDS[(number * 11 + step * 7) % len(_WORDS)] for step in range(9 + number % 6)]
    if is_long:
        words[3::4] = [_LONG[(number + step) % len(_LONG)] for step in range(len(words[3::4]))]
    return f"Sentence {number} says that {' '.join(words)}."


def _paragraphs(sentences: Sequence[str], each: int = 5) -> str:
    return "".join(
        f"<p>{' '.join(map(html.escape, sentences[n : n + each]))}</p>"
        for n in range(0, len(sentences), each)
    )


def _table(style: str) -> str:
    rows = [
        "".join(f"<{'td' if n else 'th'}>{cell}</{'td' if n else 'th'}>" for cell in row)
        for n, row in enumerate(ROWS)
    ]
    return f"<style>{style}</style><table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _shy(text: str) -> str:
    """Long words with places where they may be cut."""
    return re.sub(r"([a-z]{4})(?=[a-z]{4})", "\\1\u00ad", text)


def _layouts() -> dict[str, _Layout]:
    plain = [sentence(n) for n in range(200)]
    columns = [sentence(n) for n in range(300)]
    cut = [sentence(n, is_long=True) for n in range(120)]
    beside = plain[:20]
    lined = "td,th{border:1px solid black;padding:4px}table{border-collapse:collapse;width:100%}"
    bare = "td,th{padding:4px;text-align:left}table{width:100%}"
    between = [_paragraphs(beside[:10]), _paragraphs(beside[10:])]
    return {
        "one column": _Layout(f"<h1>Report</h1>{_paragraphs(plain)}", plain),
        "two columns": _Layout(
            f"<h1>Report</h1><div style='column-count:2;text-align:justify'>{_paragraphs(columns)}</div>", columns
        ),
        "words cut": _Layout(
            f"<div lang=en style='column-count:3;text-align:justify;hyphens:manual'>{_shy(_paragraphs(cut))}</div>", cut
        ),
        "table, lines": _Layout(_table(lined).join(between), beside, ROWS),
        "table, none": _Layout(_table(bare).join(between), beside, ROWS),
        "ligatures": _Layout(
            f"<div style='font-family:DejaVu Serif;font-variant-ligatures:common-ligatures'>{_paragraphs(plain[:60])}</div>", plain[:60]
        ),
        "right to left": _Layout(
            "".join(
                f"<div dir=rtl lang={language} style='font-family:DejaVu Sans'>{_paragraphs(sentences, 2)}</div>"
                for language, sentences in (("ar", ARABIC), ("he", HEBREW))
            ),
            [*ARABIC, *HEBREW],
        ),
    }  # fmt: skip


def printed(folder: Path, *, tagged: bool = False) -> Iterator[tuple[str, Known]]:
    """All layouts, with a head and a foot on each page.

    Args:
        folder: where the files go.
        tagged: whether they hold their structure too, which few PDF files do.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        for name, layout in _layouts().items():
            page.set_content(
                "<!doctype html><meta charset=utf-8><style>body{font:12px 'Liberation Serif'}</style>"
                + layout.body
            )
            path = folder / f"{name.replace(',', '').replace(' ', '_')}.pdf"
            foot = "Page <span class=pageNumber></span> of <span class=totalPages></span>"
            page.pdf(
                path=str(path), format="A4", tagged=tagged, display_header_footer=True,
                header_template=_HEAD.format("Draft of the annual report"), footer_template=_HEAD.format(foot), margin=_MARGINS,
            )  # fmt: skip
            yield name, Known(layout.sentences, [list(row) for row in layout.rows], path)
        browser.close()
    yield "Japanese", _japanese(folder / "japanese.pdf")


def _japanese(path: Path) -> Known:
    """By hand, in a font that PDF names without holding it: no font of this machine has its letters."""
    sentences = [f"第{n}文は長い文書の中で行をまたいで続きます。" for n in range(62)]
    text = "".join(sentences)
    lines = [text[at : at + 37] for at in range(0, len(text), 37)]
    pages = [
        b"".join(pdf_files.text(50, 780 - 18 * n, line, 12, "F3") for n, line in enumerate(lines[at : at + 15]))
        for at in range(0, len(lines), 15)
    ]  # fmt: skip
    path.write_bytes(pdf_files.pdf(*pages))
    return Known(sentences, [], path)


class Score(NamedTuple):
    """How well a text tells what is in a document."""

    once: float
    """Share of the sentences that stand in it, whole and once."""
    in_order: float
    """Share of those that are in the order of the document, at most."""
    rows: float | None
    """Share of the rows of its table that stand in it as rows, cell by cell; None: it has none."""


def score(known: Known, text: str) -> Score:
    """Holds a text (Markdown, or plain) against what is known."""
    plain = " ".join(text.replace("\\", "").replace(_SOFT_HYPHEN, "").split())
    places = [plain.find(one) for one in known.sentences if plain.count(one) == 1]
    rows = None
    if known.rows:
        found = {_cells(line) for line in text.replace("\\", "").splitlines()}
        rows = sum(tuple(row) in found for row in known.rows) / len(known.rows)
    once = len(places) / len(known.sentences)
    return Score(once, _longest_rise(places) / max(len(places), 1), rows)


def _cells(line: str) -> tuple[str, ...]:
    parts = line.strip().strip("|").split("|" if "|" in line else "\t")
    return tuple(part.strip() for part in parts)


def _longest_rise(places: Sequence[int]) -> int:
    """How many of some numbers rise, of the longest such choice."""
    ends: list[int] = []
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
    return len(ends)
