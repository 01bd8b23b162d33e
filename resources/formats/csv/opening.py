"""Opening the files of a dataset: encoding, dialect and columns of each, and that they belong together."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field

from resources.formats.columns import unite_columns
from resources.formats.compression import read_blocks
from resources.formats.csv.dialect import NAMES
from resources.formats.csv.layout import (
    HEAD_BYTES,
    TextHead,
    find_dialect,
    header_guesses,
    header_warnings,
    lay_out,
)
from resources.formats.csv.options import CsvOptions
from resources.formats.csv.parse import ColumnLayout
from resources.formats.csv.start import names_like_values
from resources.formats.decoding import TextEncoding, detect_encoding, is_utf8
from resources.formats.eight_bit import guess_encoding
from resources.formats.files import SourceFile, check_not_empty
from resources.formats.left_out import LeftOut
from resources.formats.not_text import check_no_page, check_text
from resources.kernel.errors import InputError, SchemaMismatchError
from resources.kernel.records import Guess

_MOST_GUESSES = 50


@dataclass
class OpenedFiles:
    """The files of one dataset, each with its layout."""

    left_out: LeftOut
    layouts: list[ColumnLayout] = field(default_factory=list)
    guesses: list[Guess] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the dataset in order of first appearance."""
        return tuple(dict.fromkeys(name for layout in self.layouts for name in layout.names))


def open_files(files: Sequence[SourceFile], options: CsvOptions) -> OpenedFiles:
    """Looks at the beginning of every file.

    Raises:
        EmptySourceError: a file without a byte or without a header line (E25).
        ParseError: the beginning of a file breaks its format.
        InputError: columns without a name or of one name (E22).
        SchemaMismatchError: a file whose columns are not those of most others.
    """
    opened = OpenedFiles(LeftOut.of(files, options.on_bad_file))
    if not files:
        check_not_empty(files)
    for file in files:
        try:
            opened.layouts.append(_open_file(file, options, opened))
        except InputError as error:
            opened.left_out.add(file.name, error)
    _check_belong(opened, options)
    return opened


def _open_file(file: SourceFile, options: CsvOptions, opened: OpenedFiles) -> ColumnLayout:
    check_not_empty([file])
    head = next(read_blocks(file, HEAD_BYTES), b"")
    check_text(file, head)
    encoding = detect_encoding(file, head, options.encoding)
    if encoding.is_assumed:
        encoding = _check_head(file, head, encoding)
    text = head[encoding.mark_bytes :].decode(encoding.codec, "replace")
    check_no_page(file, text)
    layout, guesses = _find_layout(TextHead(file, encoding, text), opened, options)
    if options.encoding is None and (not opened.layouts or encoding.codec != _first(opened).codec):
        guesses.insert(0, encoding_guess(file, encoding, is_first=not opened.layouts))
    opened.guesses.extend(guesses[: max(0, _MOST_GUESSES - len(opened.guesses))])
    return layout


def _find_layout(
    head: TextHead, opened: OpenedFiles, options: CsvOptions
) -> tuple[ColumnLayout, list[Guess]]:
    """Dialect and columns: those of the first file if they fit exactly, else what the file itself says is looked at."""
    shared = _as_first(head, opened, options)
    if shared is not None and shared.names == opened.layouts[0].names:
        return shared, []
    found = find_dialect(head, options)
    own = lay_out(head, found, options)
    if not opened.layouts:
        opened.warnings += header_warnings(own, found, options)
        return own, [*found.guesses, *header_guesses(own, found, options)]
    if shared is not None:
        expected = set(opened.names)
        here, there = (len(expected.intersection(layout.names)) for layout in (own, shared))
        own = own if here > there or not here + there else shared
    return own, _other_dialect(own, opened)


def _as_first(head: TextHead, opened: OpenedFiles, options: CsvOptions) -> ColumnLayout | None:
    """The file read as the first one is written; None if that is impossible."""
    if not opened.layouts:
        return None
    try:
        found = find_dialect(head, options, opened.layouts[0].file.dialect)
        return lay_out(head, found, options)
    except InputError:
        return None


def _first(opened: OpenedFiles) -> TextEncoding:
    return opened.layouts[0].file.encoding


def encoding_guess(file: SourceFile, encoding: TextEncoding, *, is_first: bool) -> Guess:
    """What the metadata says about the encoding of a file."""
    subject = "encoding" if is_first else f"encoding of {file.name}"
    return Guess(subject, encoding.codec, f"{encoding.reason} ({file.name})", "encoding")


def settle_encoding(file: SourceFile, encoding: TextEncoding) -> TextEncoding:
    """The encoding of a file that was taken for UTF-8: another one if it is not, and there is no doubt which."""
    found = guess_encoding(file) if encoding.is_assumed and not is_utf8(file) else None
    return encoding if found is None else TextEncoding(found[0], 0, found[1])


def _check_head(file: SourceFile, head: bytes, encoding: TextEncoding) -> TextEncoding:
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        return settle_encoding(file, encoding)
    return encoding


def _other_dialect(layout: ColumnLayout, opened: OpenedFiles) -> list[Guess]:
    """What is said about a file that is written otherwise than the first."""
    dialect, first = layout.file.dialect, opened.layouts[0].file.dialect
    guesses = []
    for subject, here, there in (
        ("separator", dialect.separator, first.separator),
        ("quote", dialect.quote, first.quote),
    ):
        if here != there:
            name = NAMES.get(here or "", here or "none")
            reason = f"with it the columns are those of {opened.layouts[0].file.name}"
            guesses.append(Guess(f"{subject} of {layout.file.name}", name, reason, subject))
    return guesses


def _check_belong(opened: OpenedFiles, options: CsvOptions) -> None:
    """Files have the columns of most others or are united with them; columns are matched by name, and that is said."""
    columns = {layout.file.name: layout.names for layout in opened.layouts}
    try:
        _, differences = unite_columns(columns, options.columns)
    except SchemaMismatchError as error:
        if options.has_header and names_like_values(columns[str(error.facts["file"])]):
            hint = (
                "Its first line looks like a row: if the files have no header, give `header: false`"
            )
            raise SchemaMismatchError(error.message, hint=hint, **error.facts) from error
        raise
    first = opened.layouts[0]
    for layout in opened.layouts:
        if layout.names != first.names and set(layout.names) == set(first.names):
            opened.warnings.append(
                f"{layout.file.name}: columns in another order than in {first.file.name}; matched by name"
            )
    opened.warnings.extend(differences)
