"""Which reader reads a file: by the format given, or by the ending of its name. Archives are opened on the way."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa

from resources.formats.archives import MemberChoice, is_zip, spool, unpack
from resources.formats.compression import ENDINGS as COMPRESSED
from resources.formats.compression import compression_of
from resources.formats.csv import CsvOptions, CsvReader
from resources.formats.excel import ExcelOptions, ExcelReader
from resources.formats.files import Reader, SourceFile, check_not_empty
from resources.formats.json import JsonOptions, JsonReader
from resources.formats.left_out import LeftOut
from resources.formats.options import BadFilePolicy, FormatOptions
from resources.formats.parquet import ParquetOptions, ParquetReader
from resources.formats.partitions import PartitionReader, find_partitions, without_types
from resources.formats.unpacking import UnpackBudget
from resources.kernel.errors import ConfigError, InputError
from resources.kernel.records import BatchStream
from resources.scratch import ScratchFolder

Format = Literal["csv", "excel", "json", "jsonl", "parquet"]
_ZIP = ".zip"


@dataclass(frozen=True)
class FormatKind:
    """What the registry knows of a format."""

    endings: tuple[str, ...]
    options: type[FormatOptions]
    reader: Callable[[Sequence[SourceFile], Any], Reader]
    streamed: bool = True
    """Read from front to back, so that compressed bytes need no plain copy."""


FORMATS: Mapping[Format, FormatKind] = {
    "csv": FormatKind((".csv", ".tsv", ".tab", ".txt"), CsvOptions, CsvReader),
    "excel": FormatKind((".xlsx", ".xlsm"), ExcelOptions, ExcelReader, streamed=False),
    "json": FormatKind((".json",), JsonOptions, JsonReader),
    "jsonl": FormatKind((".jsonl", ".ndjson"), JsonOptions, JsonReader.of_lines),
    "parquet": FormatKind((".parquet", ".pq"), ParquetOptions, ParquetReader, streamed=False),
}
_SAVE_AS = "Save it as .xlsx, CSV or Parquet"
_PACK_AS = "Pack the data as .gz, .bz2, .zst or .zip"
_UNREAD = {
    ".xls": (
        "a workbook of Excel 97 (.xls)",
        f"{_SAVE_AS}; if it is text or a newer workbook under that name, give `format: csv` or `format: excel`",
    ),
    ".xlsb": ("a binary workbook (.xlsb)", _SAVE_AS),
    ".ods": ("a workbook of OpenDocument (.ods)", _SAVE_AS),
    ".tar": ("a tar archive", _PACK_AS),
    ".tar.gz": ("a tar archive", _PACK_AS),
    ".tgz": ("a tar archive", _PACK_AS),
    ".xz": ("what xz packed", _PACK_AS),
    ".lz4": ("what lz4 packed", _PACK_AS),
    ".7z": ("a 7-Zip archive", _PACK_AS),
    ".rar": ("a RAR archive", _PACK_AS),
}
"""Files that many have and that are not read: said before any is opened."""
_ENDINGS = tuple(ending for kind in FORMATS.values() for ending in kind.endings)


def detect_format(name: str) -> Format:
    """The format that a file's name ends in: `flights.csv.gz` is csv, `flights.json.zip` json.

    Raises:
        ConfigError: an unknown ending; lists the known ones.
    """
    found = _format_of_name(name)
    if found is None:
        _check_not_known_as_unread(name)
        raise ConfigError(
            f"{name}: the name does not tell the format",
            hint=f"Known endings: {', '.join(_ENDINGS)}, also with {', '.join((*COMPRESSED, _ZIP))};"
            f" or give `format:` as one of {', '.join(get_args(Format))}",
            file=name,
        )
    return found


def _check_not_known_as_unread(name: str) -> None:
    for ending, (what, hint) in _UNREAD.items():
        if name.lower().endswith(ending):
            raise ConfigError(f"{name}: {what} is not read", hint=hint, file=name)


def is_readable_name(name: str) -> bool:
    """Whether a file's name tells how to read it: a known ending, or that of an archive."""
    return _format_of_name(name) is not None or name.lower().endswith(_ZIP)


def _format_of_name(name: str) -> Format | None:
    stem = name.lower()
    for ending in (*COMPRESSED, _ZIP):
        stem = stem.removesuffix(ending)
    return next((kind for kind, known in FORMATS.items() if stem.endswith(known.endings)), None)


def check_options(
    path: str,
    options: Mapping[str, object],
    *,
    format: str = "",  # noqa: A002 - the word that users write in YAML
    member: str = "",
) -> None:
    """Looks at what a data source says about the format of its files, without opening any.

    Raises:
        ConfigError: a path that tells no format, an unknown format, a wrong option.
    """
    if format:
        kind: Format | None = _known(format)
    elif path.lower().endswith(_ZIP):
        kind = _format_of_name(member) or _format_of_name(path)
    else:
        kind = detect_format(path)
    if kind is None and options:
        raise ConfigError(
            f"{path}: the name does not tell which format the options are for",
            hint=f"Give `format:` as one of {', '.join(get_args(Format))}",
        )
    if kind is not None:
        FORMATS[kind].options.parse(options)


def _known(name: str) -> Format:
    for kind in FORMATS:
        if kind == name:
            return kind
    raise ConfigError(
        f"format: {name[:40]!r} is not known", hint=f"Known: {', '.join(get_args(Format))}"
    )


def open_reader(
    files: Sequence[SourceFile],
    *,
    format: str | None = None,  # noqa: A002 - the word that users write in YAML
    options: FormatOptions | Mapping[str, object] | None = None,
    member: str = "",
    scratch: Path | None = None,
) -> Reader:
    """A reader for files of one format; ZIP archives stand for their members.

    Args:
        files: the files, in order.
        format: one of `Format`; told by the names when left out.
        options: a record of the format's options, or what YAML gives for it.
        member: of archives, the name of a member or a glob.
        scratch: an empty folder for what is unpacked, there while the reader is used; one of its own when left out.

    Raises:
        ConfigError: an unknown format or ending, files of several formats, options for another format, an archive
            of which it is not clear what to read, a member of no archive.
        EmptySourceError: no file at all.
        ParseError: an archive that cannot or must not be unpacked.
    """
    given = None if format is None else _known(format)
    if not files:
        check_not_empty(files)
    opening = _Opening(given, member, scratch, _bad_files(options))
    budget = _budget(options)
    plain = opening.unpack_all([replace(file, budget=budget) for file in files])
    if member and not opening.archives:
        raise ConfigError(
            f"member: {member[:80]!r} is looked for in ZIP archives; {files[0].name} is none",
            hint="Leave `member:` out, or correct the path",
        )
    kind = FORMATS[given or _common_format(plain)]
    if not kind.streamed:
        plain = opening.spool_all(plain)
    settled = _options_of(kind, options, plain[0].name)
    partitions = find_partitions(plain, settled)
    reader: Reader = kind.reader(plain, without_types(settled, partitions))
    if partitions:
        reader = PartitionReader(reader, partitions, settled)
    return _Opened(reader, opening) if opening.is_used else reader


def _bad_files(options: FormatOptions | Mapping[str, object] | None) -> BadFilePolicy:
    if isinstance(options, FormatOptions):
        return options.on_bad_file
    return "skip" if options is not None and options.get("on_bad_file") == "skip" else "fail"


def _budget(options: FormatOptions | Mapping[str, object] | None) -> UnpackBudget:
    """What may be unpacked. Needed before the format is known, and with it what options there are."""
    if not isinstance(options, FormatOptions):
        names = ("max_unpacked_gb", "max_unpack_ratio")
        given = {name: options[name] for name in names if name in options} if options else {}
        options = FormatOptions.parse(given)
    return UnpackBudget(options.max_unpacked_gb, options.max_unpack_ratio)


def _common_format(files: Sequence[SourceFile]) -> Format:
    found = {detect_format(file.name) for file in files}
    if len(found) > 1:
        raise ConfigError(
            f"The files are of several formats: {', '.join(sorted(found))}",
            hint="Narrow the path, or give `format:`",
        )
    return found.pop()


def _options_of(
    kind: FormatKind, options: FormatOptions | Mapping[str, object] | None, name: str
) -> FormatOptions:
    if not isinstance(options, FormatOptions):
        return kind.options.parse(options or {})
    if not isinstance(options, kind.options):
        raise ConfigError(
            f"{name} is {kind.options.label}, which has no {options.label} options",
            hint="Leave them out",
        )
    return options


def _with_compressed(endings: Sequence[str]) -> tuple[str, ...]:
    return tuple(ending + packed for ending in endings for packed in ("", *COMPRESSED))


class _Opening:
    """Files on their way to a reader: archives unpacked, compression undone where the reader cannot."""

    def __init__(
        self, kind: Format | None, member: str, scratch: Path | None, bad_files: BadFilePolicy
    ) -> None:
        self._kind = kind
        self._choice = MemberChoice(
            member, _with_compressed(FORMATS[kind].endings if kind else _ENDINGS)
        )
        self._given_scratch = scratch
        self._own_scratch: ScratchFolder | None = None
        self._bad_files = bad_files
        self._copies = 0
        self.archives = 0
        self.warnings: list[str] = []

    @property
    def is_used(self) -> bool:
        """Whether the reader's stream depends on what was done here."""
        return bool(self.warnings) or self._own_scratch is not None

    @property
    def _scratch(self) -> Path:
        if self._given_scratch is not None:
            return self._given_scratch
        if self._own_scratch is None:
            self._own_scratch = ScratchFolder("unpack")
            weakref.finalize(self, self._own_scratch.cleanup)  # when no reader needs it any more
        return Path(self._own_scratch.name)

    def unpack_all(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        """The members of archives in the place of the archives."""
        return self._each(files, self._unpack)

    def spool_all(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        """Plain copies in the place of compressed files."""
        return self._each(files, self._spool)

    def _each(
        self, files: Sequence[SourceFile], work: Callable[[SourceFile], list[SourceFile]]
    ) -> list[SourceFile]:
        done: list[SourceFile] = []
        left_out = LeftOut.of(files, self._bad_files)
        for file in files:
            try:
                done += work(file)
            except InputError as error:
                left_out.add(file.name, error)
        self.warnings += left_out.warnings()
        before = left_out.before + len(left_out.errors)
        return [replace(file, left_out_before=before) for file in done]

    def _unpack(self, file: SourceFile) -> list[SourceFile]:
        is_workbook = "excel" in (self._kind, _format_of_name(file.name))
        if not is_zip(file.path) or (is_workbook and not file.name.lower().endswith(_ZIP)):
            return [file]
        self._copies += 1
        self.archives += 1
        return unpack(file, self._choice, self._scratch / f"zip-{self._copies:06d}")

    def _spool(self, file: SourceFile) -> list[SourceFile]:
        if compression_of(file) is None:
            return [file]
        self._copies += 1
        return [spool(file, self._scratch / f"plain-{self._copies:06d}")]


class _Opened:
    """A reader together with what was unpacked for it, and what is to be said about that."""

    def __init__(self, reader: Reader, opening: _Opening) -> None:
        self._reader = reader
        self._opening = opening

    def stream(self) -> BatchStream:
        """The reader's stream, with the warnings about archives."""
        stream = self._reader.stream()
        stream.warnings[:0] = self._opening.warnings
        stream.batches = self._hold(stream.batches)
        return stream

    def _hold(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches; what was unpacked for them is there as long as they are read."""
        yield from batches
