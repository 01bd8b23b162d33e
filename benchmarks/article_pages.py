"""Pages of the web whose article is known, and how well it is taken out of them: ours beside bare libraries.

    python -m benchmarks.article_pages            # ours and trafilatura
    python -m benchmarks.article_pages --peers    # in an environment that has them: readability-lxml

Each page has sentences that occur once and are numbered, and around them navigation, advertisements, comments and the like.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import html as lxml_html

WORDS = {
    "en": ["river", "valley", "market", "engine", "harvest", "winter", "signal", "copper", "garden", "teacher", "window", "bridge", "motion", "letter", "ground", "captain", "silver", "forest", "measure", "history"],
    "ja": ["川", "谷", "市場", "機関", "収穫", "冬", "信号", "銅", "庭", "先生", "窓", "橋", "運動", "手紙", "地面", "船長", "銀", "森", "測定", "歴史"],
    "ar": ["النهر", "الوادي", "السوق", "المحرك", "الحصاد", "الشتاء", "الإشارة", "النحاس", "الحديقة", "المعلم", "النافذة", "الجسر", "الحركة", "الرسالة", "الأرض", "القبطان", "الفضة", "الغابة", "القياس", "التاريخ"],
    "ru": ["река", "долина", "рынок", "мотор", "урожай", "зима", "сигнал", "медь", "сад", "учитель", "окно", "мост", "движение", "письмо", "земля", "капитан", "серебро", "лес", "мера", "история"],  # noqa: RUF001 - Cyrillic is meant
}  # fmt: skip
BOILER = "XBOILERX"
"""Stands in all text that is not the article's."""
_NUMBERED = re.compile(r"№(\d{4})")


@dataclass(frozen=True)
class ArticlePage:
    """A page, and the sentences of its article in their order."""

    layout: str
    language: str
    html: str
    sentences: tuple[str, ...]


class _Writer:
    """Writes sentences that occur once each."""

    def __init__(self, language: str, seed: int) -> None:
        self._language = language
        self._random = random.Random(seed)
        self.sentences: list[str] = []

    def sentence(self) -> str:
        words = self._random.choices(WORDS[self._language], k=self._random.randint(6, 16))
        between, end = ("", "。") if self._language == "ja" else (" ", ".")
        number = f"№{len(self.sentences):04d}"
        self.sentences.append(f"{number} {between.join(words)}{end}")
        return self.sentences[-1]

    def paragraph(self, count: int = 3) -> str:
        return " ".join(self.sentence() for _ in range(count))


def boiler(text: str) -> str:
    """Text around articles."""
    return f"{BOILER} {text}"


def article_body(writer: _Writer) -> Iterator[str]:
    """What articles are made of: paragraphs, headings, lists, tables, quotes, code, captions, short lines."""
    say = writer.sentence
    yield f"<p>{writer.paragraph()}</p>"
    yield f"<p>{say()} <a href='/more'>A link</a>, <b>bold</b> and <em>more</em>. {say()}</p>"
    yield f"<h2>{say()}</h2><p>{writer.paragraph(4)}</p>"
    yield f"<ul><li>{say()}</li><li><p>{say()}</p></li><li>{say()}<ul><li>{say()}</li></ul></li></ul>"
    yield f"<p>{say()}</p>"
    yield f"<h3>{say()}</h3><ol><li>{say()}</li><li>{say()}</li></ol><p>{writer.paragraph(5)}</p>"
    rows = "".join(f"<tr><td>{say()}</td><td>{n}</td></tr>" for n in range(4))
    yield f"<table><thead><tr><th>Name</th><th>Value</th></tr></thead><tbody>{rows}</tbody></table>"
    yield f"<p>{writer.paragraph()}</p><blockquote><p>{say()}</p></blockquote>"
    yield f"<figure><img src='/img/a.png' alt='A picture'><figcaption>{say()}</figcaption></figure>"
    yield f"<p>{writer.paragraph(4)}</p><pre><code>def f(x):\n    return x  # {say()}\n</code></pre>"
    yield f"<p>{say()}<br>{say()}</p><p>{writer.paragraph(2)}</p>"


_NAV = "<nav class='main-nav'><ul>" + "".join(f"<li><a href='/n{n}'>{boiler(f'item {n}')}</a></li>" for n in range(12)) + "</ul></nav>"  # fmt: skip
_SIDE = f"<aside class='sidebar'><h3>{boiler('Related posts')}</h3><ul>" + "".join(f"<li><a href='/r{n}'>{boiler(f'another article number {n} with a long title')}</a></li>" for n in range(8)) + "</ul></aside>"  # fmt: skip
_AD = f"<div class='ad-slot'><p>{boiler('Buy now! The best offers of the week are waiting for you, only today.')}</p></div>"
_SHARE = f"<div class='social-share'><a href='https://x.example/share'>{boiler('Share')}</a> <a href='mailto:x'>{boiler('Mail')}</a></div>"
_NEWSLETTER = f"<div class='newsletter-signup'><p>{boiler('Get our newsletter every Friday, free of charge, in your inbox.')}</p><form><input name=mail><button>{boiler('Subscribe')}</button></form></div>"
_RELATED = f"<div class='related'><p>{boiler('Read also')}: <a href='/r'>{boiler('Ten things that you never knew about rivers and their valleys')}</a></p></div>"
_COOKIES = f"<div id='cookie-banner'><p>{boiler('We use cookies to make this site better for you. Do you accept all of them?')}</p><button>OK</button></div>"
_COMMENTS = f"<section id='comments'><h3>{boiler('2 comments')}</h3><div class='comment'><p>{boiler('First! What a great post, thank you so much for it.')}</p></div></section>"
_FOOT = f"<footer><p>{boiler('Copyright 2026 Example Media. All rights reserved in all countries.')}</p><ul><li><a href='/imprint'>{boiler('Imprint')}</a></li></ul></footer>"


def _framed(main: str, before: str = _NAV + _SIDE, after: str = _COMMENTS) -> str:
    return f"{_COOKIES}<header><a href='/'>{boiler('Example')}</a>{before}</header>{main}{after}{_FOOT}"


def _in_article(parts: list[str]) -> str:
    return _framed(f"<main><article><h1>The title</h1>{''.join(parts)}</article></main>")


def _in_divs(parts: list[str]) -> str:
    return _framed(
        f"<div id='content'><div class='entry-content'><h1>The title</h1>{''.join(parts)}</div></div>"
    )


def _bare(parts: list[str]) -> str:
    return _framed(f"<h1>The title</h1>{''.join(parts)}")


def _without_paragraphs(parts: list[str]) -> str:
    text = "".join(parts).replace("<p>", "<div>").replace("</p>", "</div>")
    return _framed(f"<div class='main'><h1>The title</h1>{text}</div>")


def _interrupted(parts: list[str]) -> str:
    inserts = [_AD, _SHARE, _NEWSLETTER, _RELATED, _AD, _RELATED]
    mixed = [piece for n, part in enumerate(parts) for piece in (part, inserts[n % len(inserts)])]
    return _framed(
        f"<article><header><h1>The title</h1>{_SHARE}</header>{''.join(mixed)}</article>"
    )


def _interrupted_without_names(parts: list[str]) -> str:
    """As sites are whose classes are made by a program: nothing tells what stands in between."""
    number = iter(range(1_000))
    return re.sub(r"(class|id)='[^']*'", lambda _: f"class='css-{next(number):03x}'", _interrupted(parts))  # fmt: skip


def _wrapped(parts: list[str]) -> str:
    blocks = "".join(f"<div class='c1'><div class='c2'><div>{part}</div></div></div>" for part in parts)  # fmt: skip
    return _framed(f"<div id='root'><div class='page'><h1>The title</h1>{blocks}</div></div>")


def _laid_out_in_tables(parts: list[str]) -> str:
    return f"<table width=100%><tr><td colspan=2>{_COOKIES}</td></tr><tr><td>{_NAV}</td><td><h1>The title</h1>{''.join(parts)}</td></tr></table>{_FOOT}"


def _handbook(parts: list[str]) -> str:
    toc = "<div class='toc sidebar'><ul>" + "".join(f"<li><a href='#s{n}'>{boiler(f'chapter {n}')}</a></li>" for n in range(30)) + "</ul></div>"  # fmt: skip
    crumbs = f"<div class='breadcrumbs'><a href='/'>{boiler('Home')}</a> / <a href='/docs'>{boiler('Docs')}</a></div>"
    return _framed(f"{toc}<div role='main'>{crumbs}<h1>The title</h1>{''.join(parts)}</div>", _NAV, f"<div class='pagination'><a href='/next'>{boiler('Next')}</a></div>")  # fmt: skip


LAYOUTS: dict[str, Callable[[list[str]], str]] = {
    "article": _in_article,
    "divs": _in_divs,
    "bare": _bare,
    "no paragraphs": _without_paragraphs,
    "interrupted": _interrupted,
    "interrupted, no names": _interrupted_without_names,
    "wrapped": _wrapped,
    "tables": _laid_out_in_tables,
    "handbook": _handbook,
}


def make_page(layout: str, language: str = "en", seed: int = 1) -> ArticlePage:
    """A page of a layout."""
    writer = _Writer(language, seed)
    body = LAYOUTS[layout](list(article_body(writer)))
    direction = " dir=rtl" if language == "ar" else ""
    head = (
        "<title>The title | Example</title><meta name=author content='Ada Lovelace'><meta name=description content='What it is about.'>"
        "<meta property='article:published_time' content='2026-03-04T10:00:00Z'><meta property='og:site_name' content='Example'>"
    )
    page = f"<!doctype html><html lang={language}{direction}><head><meta charset=utf-8>{head}</head><body>{body}</body></html>"
    return ArticlePage(layout, language, page, tuple(writer.sentences))


@dataclass(frozen=True)
class Quality:
    """What became of the sentences of a page."""

    sentences: int
    lost: int
    twice: int
    is_ordered: bool
    foreign: int
    """Pieces of what is around the article."""


def quality(page: ArticlePage, text: str) -> Quality:
    """How well a text has the article of a page, and nothing else."""
    flat = " ".join(text.split())
    counts = [flat.count(" ".join(sentence.split())) for sentence in page.sentences]
    numbers = [int(number) for number in _NUMBERED.findall(flat)]
    return Quality(
        len(counts), counts.count(0), sum(n > 1 for n in counts), numbers == sorted(numbers), flat.count(BOILER),
    )  # fmt: skip


def ours(page: str) -> str:
    """Waybill's own parser, within this process."""
    from resources.documents.document import Table
    from resources.documents.parsers.gathering import Gathered
    from resources.documents.parsers.webpage import put_article
    from resources.documents.requests import ReadRequest

    gathered = Gathered(ReadRequest("webpage", 1, 1 << 30, 1 << 30))
    put_article(page.encode(), gathered, "https://example.org/a")
    return "\n".join(
        " ".join(cell for row in block.rows for cell in row) if isinstance(block, Table) else block.text
        for block in gathered.blocks
    )  # fmt: skip


def bare_trafilatura(page: str) -> str:
    """What trafilatura gives, as its documentation has it."""
    import trafilatura

    return trafilatura.extract(page, include_comments=False, include_tables=True) or ""


def trafilatura_recall(page: str) -> str:
    """What trafilatura gives when it is told to leave less out."""
    import trafilatura

    return trafilatura.extract(page, include_comments=False, favor_recall=True) or ""


def readability(page: str) -> str:
    """readability-lxml, its HTML as text."""
    from readability import Document

    return str(lxml_html.fromstring(Document(page).summary()).text_content())


OURS = {"Waybill": ours, "trafilatura": bare_trafilatura, "trafilatura, favor_recall": trafilatura_recall}  # fmt: skip
PEERS = {"readability-lxml": readability, "trafilatura": bare_trafilatura}  # fmt: skip


def pages() -> list[ArticlePage]:
    """All layouts in all languages."""
    return [make_page(layout, language) for layout in LAYOUTS for language in WORDS]


def measure(extract: Callable[[str], str], made: list[ArticlePage]) -> str:
    """A row of the table about one way."""
    extract(made[0].html)  # what it loads when it is first used
    results, seconds = [], []
    for page in made:
        began = time.process_time()
        text = extract(page.html)
        seconds.append(time.process_time() - began)
        results.append(quality(page, text))
    total = sum(one.sentences for one in results)
    lost, twice = sum(one.lost for one in results), sum(one.twice for one in results)
    whole = sum(not (one.lost or one.twice or one.foreign) and one.is_ordered for one in results)
    out_of_order = sum(not one.is_ordered for one in results)
    return (
        f"{lost / total:.1%} | {twice / total:.1%} | {out_of_order} | {sum(one.foreign for one in results)} | {whole} of {len(made)}"
        f" | {statistics.median(seconds) * 1000:.1f} ms"
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true")
    chosen = PEERS if parser.parse_args().peers else OURS
    print(
        "| | sentences lost | twice | pages out of order | pieces of what is around | perfect pages | processor time a page |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, extract in chosen.items():
        try:
            print(f"| {name} | {measure(extract, pages())} |", flush=True)
        except ImportError as error:
            print(f"| {name} | not installed: {error} |")


if __name__ == "__main__":
    main()
