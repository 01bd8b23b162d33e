"""The columns of one file and its rows without what stands around them: header, title, units, trailing separators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from resources.formats.columns import listed
from resources.formats.compression import BLOCK_BYTES
from resources.formats.csv.chunks import CsvChunk, CsvText, read_chunks
from resources.formats.csv.dialect import (
    CANDIDATES,
    CsvDialect,
    detect_dialect,
    detect_newline,
    read_records,
)
from resources.formats.csv.lines import Cuts, Escape
from resources.formats.csv.options import CsvOptions
from resources.formats.csv.parse import ColumnLayout
from resources.formats.csv.start import (
    TitleLines,
    drop_comments,
    drop_lines,
    find_separator_line,
    find_title,
    names_like_values,
    separator_guess,
)
from resources.formats.csv.structure import find_first_record_end
from resources.formats.decoding import TextEncoding, not_decodable
from resources.formats.files import SourceFile
from resources.kernel.errors import EmptySourceError, SchemaMismatchError
from resources.kernel.records import Guess
from resources.kernel.schema import check_column_names

HEAD_BYTES = 1024 * 1024
_LOOKED_AT = 20
_SAMPLE_BYTES = 256 * 1024
_SHOWN = 40
_NULL_OF_BACKSLASH = "\\N"


@dataclass(frozen=True)
class TextHead:
    """The beginning of a file as text."""

    file: SourceFile
    encoding: TextEncoding
    text: str


@dataclass(frozen=True)
class FoundLayout:
    """How a file is written, and what of that was guessed."""

    dialect: CsvDialect
    cuts: Cuts
    guesses: tuple[Guess, ...] = ()
    title: TitleLines | None = None


def find_dialect(
    head: TextHead, options: CsvOptions, like: CsvDialect | None = None
) -> FoundLayout:
    """How a file is written.

    Args:
        head: its beginning.
        options: what is given.
        like: the dialect of another file, if it is to be tried with that.
    """
    told = find_separator_line(head.text) if options.skip_rows is None else None
    above = int(told is not None) if options.skip_rows is None else options.skip_rows
    sample = _sample_of(head, options, above)
    guesses: list[Guess] = []
    if like is not None:
        dialect = replace(like, newline=detect_newline(sample, like.quote))
    else:
        given = replace(options, separator=options.separator or told)
        dialect, guesses = detect_dialect(sample, given, head.file.name)
    if told and not options.separator:
        guesses.append(separator_guess(told))
    title = _find_title(sample, dialect, options) if like is None or told is None else None
    if title is not None:
        if options.separator is None and like is None and not told:
            guesses = [title.separator_guess(), *(g for g in guesses if g.subject != "separator")]
        dialect = replace(dialect, separator=title.separator)
        above += title.lines
    cuts = Cuts(above, options.skip_footer, options.comment, _escape(options, dialect))
    return FoundLayout(dialect, cuts, tuple(guesses), title)


def header_guesses(layout: ColumnLayout, found: FoundLayout, options: CsvOptions) -> list[Guess]:
    """What is said about the header and about separators behind the last value."""
    guesses = []
    line = layout.file.cuts.first_lines + 1
    if found.title is not None:
        guesses.append(found.title.guess(layout.file.name, line - found.title.lines))
    elif options.header is None:
        reason = "default: the first line names the columns"
        guesses.append(Guess("header", f"line {line}", reason, "header"))
    if layout.has_trailing and options.trailing_separator is None:
        reason = "the first rows all end in a separator with nothing behind it"
        guesses.append(Guess("trailing separator", "true", reason, "trailing_separator"))
    return guesses


def header_warnings(layout: ColumnLayout, found: FoundLayout, options: CsvOptions) -> list[str]:
    """What is said louder: lines that were left out, names that may be values."""
    warnings = []
    if found.title is not None:
        warnings.append(
            f"{layout.file.name}: {found.title.lines:,} lines above the header are left out, the first is"
            f" {found.title.text[:_SHOWN]!r}; `skip_rows:` says how many there are"
        )
    odd = (
        names_like_values(layout.names)
        if options.header is None and not options.column_names
        else []
    )
    if odd:
        warnings.append(
            f"{layout.file.name}: the header has names that look like values: {listed(odd)}. If the file has no header,"
            " give `header: false`"
        )
    return warnings


def _escape(options: CsvOptions, dialect: CsvDialect) -> Escape | None:
    return Escape(options.escape, dialect.separator, dialect.quote) if options.escape else None


def _sample_of(head: TextHead, options: CsvOptions, above: int) -> str:
    """The beginning of a file as it looks without lines that are no data and without escapes."""
    quote = None if options.quote == "none" else options.quote or '"'
    newline = detect_newline(head.text, quote)
    sample = drop_comments(drop_lines(head.text, above, newline), options.comment)
    return Escape(options.escape, "", quote).hide(sample) if options.escape else sample


def _find_title(sample: str, dialect: CsvDialect, options: CsvOptions) -> TitleLines | None:
    if options.skip_rows is not None or not options.has_header:
        return None
    others = () if options.separator else CANDIDATES
    return find_title(sample, dialect, others)


def lay_out(head: TextHead, found: FoundLayout, options: CsvOptions) -> ColumnLayout:
    """The columns of a file that is written as found.

    Raises:
        EmptySourceError: nothing but blank lines (E25).
        ParseError: the beginning of the file breaks its format.
        InputError: columns without a name or of one name (E22).
    """
    file = CsvText(head.file, head.encoding, found.dialect, found.cuts)
    header, rows = _first_records(file, options)
    has_trailing = _has_trailing(header, rows, options)
    if has_trailing and header and not header[-1]:
        header = header[:-1]
    names = _name_columns(file, header, options)
    nulls = options.common_null_values
    if options.escape == "\\":  # what MySQL, Hive and PostgreSQL write for null
        nulls = (*nulls, _NULL_OF_BACKSLASH)
    return ColumnLayout(file, names, nulls, has_trailing, options.column_null_values)


def _first_records(file: CsvText, options: CsvOptions) -> tuple[list[str], list[list[str]]]:
    """The first record, and some of those behind it."""
    first = next(read_chunks(file, HEAD_BYTES), None)
    if first is None or not first.data.strip(b"\r\n"):
        raise EmptySourceError(
            f"File {file.name} is empty: it has no line but blank ones",
            hint="Send it again; a file without rows still needs its header",
            file=file.name,
        )
    end = find_first_record_end(first.data, file.dialect)
    try:
        text = first.data[:end].decode()
    except UnicodeDecodeError as error:
        place = None if file.cuts.moves_bytes else error.start + file.encoding.mark_bytes
        raise not_decodable(
            file.source, "utf-8", place, file.line_at(error.start), first.data
        ) from error
    header = next(record for _, record in read_records(text, file.dialect) if record)
    end += _behind(first.data[end:], options.skip_after_header, file.dialect)
    below = first.data[end : end + _SAMPLE_BYTES].decode(errors="replace")
    records = [one for _, one in islice(read_records(below, file.dialect), _LOOKED_AT + 1) if one]
    if len(records) > _LOOKED_AT or len(below) >= _SAMPLE_BYTES:
        records.pop()  # it may be cut
    if file.cuts.escape:
        header = [file.cuts.escape.restore_text(name) for name in header]
    return header, records


def _has_trailing(header: list[str], rows: Sequence[list[str]], options: CsvOptions) -> bool:
    """Whether rows end in a separator that divides nothing: all that are looked at do, beyond the named columns."""
    if options.trailing_separator is not None:
        return options.trailing_separator
    named = len(header) - (len(header) > 1 and not header[-1])
    if (
        not options.has_header
        or not rows
        or (options.column_names and len(options.column_names) != named)
    ):
        return False
    return all(len(row) == named + 1 and not row[-1] for row in rows)


def _name_columns(file: CsvText, record: list[str], options: CsvOptions) -> tuple[str, ...]:
    if options.column_names is None:
        if not options.has_header:
            return tuple(f"column_{number}" for number in range(1, len(record) + 1))
        check_column_names(record, where=file.name, hint=_way_out_of_header(record, file))
        return tuple(record)
    if len(options.column_names) != len(record):
        raise SchemaMismatchError(
            f"{file.name} has {len(record)} columns, column_names gives"
            f" {len(options.column_names)} names",
            hint="Give one name for each column of the file",
            file=file.name,
        )
    return options.column_names


def _way_out_of_header(record: list[str], file: CsvText) -> str:
    line = file.cuts.first_lines + 1
    if all(record[:-1]):
        return (
            f"Line {line} is taken for the header. If every row ends in a separator, give"
            " `trailing_separator: true`; if lines stand above the header, `skip_rows:`; else name the column, or give"
            " `column_names:`"
        )
    return (
        f"Line {line} is taken for the header. If lines stand above it, give `skip_rows:` their number;"
        " if it is the header, name every column there, or give `column_names:`"
    )


def read_rows(
    layout: ColumnLayout, options: CsvOptions, size: int = BLOCK_BYTES
) -> Iterator[CsvChunk]:
    """The file's chunks without its header and what stands between it and the rows."""
    chunks = read_chunks(layout.file, size)
    if not options.has_header:
        yield from chunks
        return
    left = 1 + options.skip_after_header
    for chunk in chunks:
        end = 0
        while left and end < len(chunk.data) and chunk.data[end:].strip(b"\r\n"):
            end += find_first_record_end(chunk.data[end:], layout.file.dialect)
            left -= 1
        rest = chunk.data[end:] if not left else b""
        if rest:
            yield replace(chunk, data=rest, offset=chunk.offset + end)
        if not left:
            break
    yield from chunks


def _behind(data: bytes, records: int, dialect: CsvDialect) -> int:
    """Where the first records end."""
    end = 0
    for _ in range(records):
        end += find_first_record_end(data[end:], dialect)
    return end
