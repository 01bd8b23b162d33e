"""Where the table of a file begins: Excel's line `sep=;`, a title above the header, what the header says.

Lines above the header are found only where three things agree: the first line fills one field, the rows behind have
more, and what would be the header differs in kind from the values below it or stands behind a blank line. Where the
first line may still be a header or a row, nothing is left out: see `_is_beyond_doubt`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from resources.formats.csv.dialect import NAMES, CsvDialect, read_records
from resources.kernel.records import Guess

_SEPARATOR_LINE = re.compile(
    r'"?sep=([\t!#$%&*+,./:;<=>?@^_|~ ])"?[;,\t|]*(\r\n|\n|\r|$)', re.IGNORECASE
)
_VALUE = re.compile(
    r"[+-]?[\d.,' \xa0\u202f]*\d[%]?|\d{4}-\d\d-\d\d.*|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.*"
)
_YEAR = re.compile(r"(19|20)\d\d")
_LOOKED_AT = 200
_MOST_TITLE_LINES = 30
_FEWEST_RECORDS = 3
_SAME_SHARE = 0.6
_SHOWN = 40


def find_separator_line(text: str) -> str | None:
    """The separator that the first line of a file tells Excel: `sep=;`."""
    found = _SEPARATOR_LINE.match(text)
    return found[1] if found else None


def separator_guess(separator: str) -> Guess:
    """What is said about such a line."""
    name = NAMES.get(separator, separator)
    return Guess("separator", name, "the first line says so to Excel: `sep=`", "separator")


def drop_lines(text: str, count: int, newline: bytes) -> str:
    """The text behind its first lines."""
    end = newline.decode()[-1:]
    for _ in range(count):
        _, _, text = text.partition(end)
    return text


def drop_comments(text: str, comment: str | None) -> str:
    """The text without lines that begin with the sign: good enough to look at the beginning of a file."""
    if not comment:
        return text
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(comment))


@dataclass(frozen=True)
class TitleLines:
    """Lines above the header."""

    lines: int
    separator: str
    columns: int
    text: str

    def separator_guess(self) -> Guess:
        """What is said about the separator found with it."""
        reason = f"{self.columns} columns in most lines below the title"
        return Guess("separator", NAMES[self.separator], reason, "separator")

    def guess(self, file: str, first: int) -> Guess:
        """What is said about them; they begin in line `first`."""
        last = first + self.lines - 1
        lines = f"line {first} stands" if self.lines == 1 else f"lines {first} to {last} stand"
        return Guess(
            "header",
            f"line {last + 1}",
            f"{lines} above it ({self.text[:_SHOWN]!r}) and not in {self.columns} fields like the rest ({file})",
            "skip_rows",
        )


def find_title(sample: str, dialect: CsvDialect, others: Iterable[str]) -> TitleLines | None:
    """The title above the header, with the separator of the dialect or, if that says nothing, with another one."""
    records = _records(sample, dialect)
    if not records or not _may_be_title(records):
        return None
    for separator in dict.fromkeys((dialect.separator, *others)):
        found = _title_lines(_records(sample, replace(dialect, separator=separator)))
        if found is not None:
            lines, columns = found
            title = TitleLines(lines, separator, columns, sample.strip().splitlines()[0])
            return title if _is_beyond_doubt(title, records, dialect) else None
    return None


def _is_beyond_doubt(
    title: TitleLines, records: Sequence[tuple[int, list[str]]], dialect: CsvDialect
) -> bool:
    """Whether the first line is no header and no row either.

    Several words are a title, and so is what a blank line parts from the rest. One word may be the header of one column
    whose values hold another separator, or of two of which the second has no name; a value may be a row.
    """
    first = next(record for _, record in records if record)
    is_apart = title.lines > 1 and not any(_cells_of(records, title.lines - 1))
    if is_apart or len(first[0].split()) > 1:
        return True
    is_table = title.separator != dialect.separator and {len(r) for _, r in records if r} == {1}
    is_padded = len(first) == title.columns
    return not is_table and not (is_padded and (title.columns == 2 or _is_value(first[0])))


def _is_value(text: str) -> bool:
    return _VALUE.fullmatch(text.strip()) is not None and not _YEAR.fullmatch(text.strip())


def _records(sample: str, dialect: CsvDialect) -> list[tuple[int, list[str]]]:
    records = list(islice(read_records(sample, dialect), _LOOKED_AT))
    is_cut = len(records) < _LOOKED_AT and not sample.endswith(("\n", "\r"))
    return records[:-1] if is_cut and len(records) > _FEWEST_RECORDS else records


def _may_be_title(records: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether the first line fills one field only, or hardly any other has as many fields."""
    widths = [len(record) for _, record in records if record]
    first = next((record for _, record in records if record), [])
    return _width(first) == 1 or widths.count(len(first)) * 2 < len(widths)


def _title_lines(records: Sequence[tuple[int, list[str]]]) -> tuple[int, int] | None:
    """The line of the header, from 0, and how many names it has; None if the first line may be it."""
    filled = [(line, record) for line, record in records if any(cell.strip() for cell in record)]
    if len(filled) < _FEWEST_RECORDS or _width(filled[0][1]) != 1:
        return None
    widths = Counter(len(record) for _, record in filled if len(record) > 1)
    columns = max(widths, key=lambda width: (widths[width], width), default=1)
    place = next((n for n, (_, one) in enumerate(filled) if _width(one) == len(one) == columns), 0)
    if columns == 1 or not 0 < place < min(len(filled) - 1, _MOST_TITLE_LINES):
        return None
    (line, header), below = filled[place], [record for _, record in filled[place + 1 :]]
    same = [record for record in below if len(record) == columns]
    if len(same) < len(below) * _SAME_SHARE or not _may_be_header(header):
        return None
    is_apart = line > 0 and not any(_cells_of(records, line - 1))
    return (line, columns) if is_apart or _differs(header, same) else None


def _width(record: list[str]) -> int:
    """Fields up to the last that holds something."""
    return max((n for n, cell in enumerate(record, 1) if cell.strip()), default=0)


def _cells_of(records: Sequence[tuple[int, list[str]]], line: int) -> list[str]:
    found = next((record for start, record in records if start == line), ["more"])
    return [cell for cell in found if cell.strip()]


def _may_be_header(record: list[str]) -> bool:
    names = [cell.strip() for cell in record]
    return all(names) and len(set(names)) == len(names) and not any(map(_VALUE.fullmatch, names))


def _differs(header: list[str], below: list[list[str]]) -> bool:
    """Whether some column holds numbers or dates below its name."""
    return any(
        all(_VALUE.fullmatch(cell.strip()) for cell in cells if cell.strip())
        and any(cell.strip() for cell in cells)
        for cells in zip(*below, strict=True)
    ) and _may_be_header(header)


def names_like_values(names: Sequence[str]) -> list[str]:
    """Names that look like numbers or dates; years as names of columns are usual."""
    return [name for name in names if _is_value(name)]
