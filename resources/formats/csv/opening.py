"""Opening the files of a dataset: encoding, dialect and columns of each, and that they belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from resources.formats.csv.chunks import Chunk, TextFile, read_chunks
from resources.formats.csv.dialect import Dialect, detect_dialect, read_records
from resources.formats.csv.options import CsvOptions
from resources.formats.csv.parse import Layout
from resources.formats.csv.structure import find_first_record_end
from resources.formats.decoding import (
    BLOCK_BYTES,
    detect_encoding,
    not_decodable,
    read_blocks,
)
from resources.formats.files import SourceFile, check_not_empty
from resources.kernel.errors import EmptySourceError, InputError, SchemaMismatchError
from resources.kernel.records import Guess
from resources.kernel.schema import check_column_names

HEAD_BYTES = 1024 * 1024
_LISTED = 5


@dataclass
class OpenedFiles:
    """The files of one dataset, each with its layout; all have the columns of the first."""

    layouts: list[Layout] = field(default_factory=list)
    guesses: list[Guess] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the dataset in order: those of the first file."""
        return self.layouts[0].names


def open_files(files: Sequence[SourceFile], options: CsvOptions) -> OpenedFiles:
    """Looks at the beginning of every file.

    Raises:
        EmptySourceError: a file without a byte or without a header line (E25).
        ParseError: the beginning of a file breaks its format.
        InputError: columns without a name or of one name (E22).
        SchemaMismatchError: a file whose columns are not those of the first.
    """
    opened = OpenedFiles()
    errors: list[InputError] = []
    if not files:
        check_not_empty(files)
    for file in files:
        try:
            layout = _open_file(file, options, opened)
            _check_belongs(layout, opened)
        except InputError as error:
            if options.on_bad_file == "fail":
                raise
            errors.append(error)
            opened.warnings.append(f"Skipped {file.name}: {error}")
            continue
        opened.layouts.append(layout)
    if not opened.layouts:
        raise errors[0]
    return opened


def read_rows(layout: Layout, options: CsvOptions, size: int = BLOCK_BYTES) -> Iterator[Chunk]:
    """The file's chunks without its header."""
    chunks = read_chunks(layout.file, size)
    if not options.header:
        yield from chunks
        return
    first = next(chunks, None)
    if first is None:
        return
    end = find_first_record_end(first.data, layout.file.dialect)
    rest = first.data[end:]
    if rest:
        yield replace(first, data=rest, offset=first.offset + end)
    yield from chunks


def _open_file(file: SourceFile, options: CsvOptions, opened: OpenedFiles) -> Layout:
    check_not_empty([file])
    head = next(read_blocks(file, HEAD_BYTES), b"")
    encoding = detect_encoding(file, head, options.encoding)
    text = head[encoding.mark_bytes :].decode(encoding.codec, "replace")
    dialect, guesses = detect_dialect(text, options)
    if opened.layouts:
        first = opened.layouts[0].file.dialect
        dialect = Dialect(first.separator, first.quote, dialect.newline)
    else:
        reason = f"{encoding.reason} ({file.name})"
        if options.encoding is None:
            guesses.insert(0, Guess("encoding", encoding.codec, reason, "encoding"))
        opened.guesses.extend(guesses)
    text_file = TextFile(file, encoding, dialect)
    return Layout(text_file, _read_names(text_file, options), options.null_values)


def _read_names(file: TextFile, options: CsvOptions) -> tuple[str, ...]:
    first = next(read_chunks(file, HEAD_BYTES), None)
    if first is None or not first.data.strip(b"\r\n"):
        raise EmptySourceError(
            f"File {file.name} is empty: it has no line but blank ones",
            hint="Send it again; a file without rows still needs its header",
            file=file.name,
        )
    data = first.data[: find_first_record_end(first.data, file.dialect)]
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        place = error.start + file.encoding.mark_bytes
        raise not_decodable(
            file.source, "utf-8", place, file.line_at(error.start), first.data
        ) from error
    record = next(record for _, record in read_records(text, file.dialect) if record)
    return _name_columns(file, record, options)


def _name_columns(file: TextFile, record: list[str], options: CsvOptions) -> tuple[str, ...]:
    if options.column_names is None:
        if not options.header:
            return tuple(f"column_{number}" for number in range(1, len(record) + 1))
        check_column_names(record, where=file.name)
        return tuple(record)
    if len(options.column_names) != len(record):
        raise SchemaMismatchError(
            f"{file.name} has {len(record)} columns, column_names gives"
            f" {len(options.column_names)} names",
            hint="Give one name for each column of the file",
            file=file.name,
        )
    return options.column_names


def _check_belongs(layout: Layout, opened: OpenedFiles) -> None:
    """All files have the columns of the first; in another order they are matched by name, and that is said."""
    if not opened.layouts or layout.names == opened.names:
        return
    first, file = opened.layouts[0].file.name, layout.file.name
    missing = [name for name in opened.names if name not in set(layout.names)]
    added = [name for name in layout.names if name not in set(opened.names)]
    if missing or added:
        parts = [f"lacks {_listed(missing)}"] * bool(missing)
        parts += [f"has {_listed(added)} besides"] * bool(added)
        raise SchemaMismatchError(
            f"{file} does not belong to the columns of {first}: it {' and '.join(parts)}",
            hint="Files of one dataset need the same header; narrow the path or split the dataset",
            file=file,
            missing=missing,
            added=added,
        )
    opened.warnings.append(f"{file}: columns in another order than in {first}; matched by name")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(repr(name) for name in names[:_LISTED]) + more
