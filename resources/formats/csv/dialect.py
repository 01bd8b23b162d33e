"""Separator, quote and newline of a file: given, or detected from its beginning."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from resources.formats.compression import ENDINGS as COMPRESSED
from resources.formats.csv.options import CsvOptions
from resources.kernel.records import Guess

CANDIDATES = (",", ";", "\t", "|")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_TAB_ENDINGS = (".tsv", ".tab")
_SAMPLE_RECORDS = 500
FIELD_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True)
class CsvDialect:
    """How text is cut into records and fields."""

    separator: str = ","
    quote: str | None = '"'
    newline: bytes = b"\n"
    r"""What ends a record: `\n`, `\r\n` or `\r`."""


def read_records(text: str, dialect: CsvDialect) -> Iterator[tuple[int, list[str]]]:
    """The records of a text with the line (from 0) each begins on. Slow: for headers, samples and errors.

    A line without anything gives an empty list. Ends without complaint at a quote that is never closed.
    """
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_NONE if dialect.quote is None else csv.QUOTE_MINIMAL,
        doublequote=True,
    )
    line = 0
    for record in reader:
        yield line, record
        line = reader.line_num


def detect_dialect(
    sample: str, options: CsvOptions, name: str = ""
) -> tuple[CsvDialect, list[Guess]]:
    """The dialect of a file that begins with `sample`, and what of it was guessed. Names such as `x.tsv` tell it too."""
    guesses = []
    quote: str | None = options.quote or '"'
    if quote == "none":
        quote = None
    separator = options.separator
    if separator is None:
        ending = next((e for e in _TAB_ENDINGS if _plain_name(name).endswith(e)), None)
        separator, reason = (
            ("\t", f"its name ends in {ending}") if ending else _detect_separator(sample, quote)
        )
        guesses.append(Guess("separator", NAMES[separator], reason, "separator"))
    if options.quote is None and _is_quoted_by_apostrophes(sample, separator):
        quote = "'"
        guesses.append(Guess("quote", "'", "every name in the header stands in '", "quote"))
    return CsvDialect(separator, quote, detect_newline(sample, quote)), guesses


def _plain_name(name: str) -> str:
    plain = name.lower()
    for ending in COMPRESSED:
        plain = plain.removesuffix(ending)
    return plain


def _detect_separator(sample: str, quote: str | None) -> tuple[str, str]:
    """The candidate that cuts most records into as many fields as the header has, more than one."""
    scores = []
    for candidate in CANDIDATES:
        counts = _field_counts(sample, CsvDialect(candidate, quote))
        if counts and counts[0] > 1:
            same = sum(count == counts[0] for count in counts) / len(counts)
            scores.append((same, counts[0], candidate))
    if not scores:
        return ",", "none of comma, semicolon, tab, pipe is in the header: one column"
    same, columns, separator = max(scores, key=lambda score: score[:2])
    return separator, f"{columns} columns in {same:.0%} of the first lines"


def _field_counts(sample: str, dialect: CsvDialect) -> list[int]:
    counts = []
    for _, record in read_records(sample, dialect):
        if record:
            counts.append(len(record))
        if len(counts) > _SAMPLE_RECORDS:
            break
    return counts[:-1] or counts  # the sample may cut the last one


def _is_quoted_by_apostrophes(sample: str, separator: str) -> bool:
    header = sample.lstrip("\r\n").splitlines()[:1]
    names = header[0].split(separator) if header else []
    return bool(names) and all(
        len(name) > 1 and name.startswith("'") and name.endswith("'") for name in names
    )


def detect_newline(sample: str, quote: str | None) -> bytes:
    """The first newline outside quotes settles it; `chunks` refuses files that mix."""
    outside = True
    for place, character in enumerate(sample):
        if character == quote:
            outside = not outside
        elif outside and character == "\n":
            return b"\n"
        elif outside and character == "\r":
            return b"\r\n" if sample[place + 1 : place + 2] == "\n" else b"\r"
    return b"\n"
