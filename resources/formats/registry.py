"""Which reader reads a file: by the format given, or by the ending of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from resources.formats.csv import CsvOptions, CsvReader
from resources.formats.files import Reader, SourceFile, check_not_empty
from resources.formats.parquet import ParquetReader
from resources.kernel.errors import ConfigError

Format = Literal["csv", "parquet"]
_ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSED = (".gz", ".bz2", ".zst")


def detect_format(name: str) -> Format:
    """The format that a file's name ends in: `flights.csv.gz` is csv.

    Raises:
        ConfigError: an unknown ending; lists the known ones.
    """
    stem = name.lower()
    for ending in _COMPRESSED:
        stem = stem.removesuffix(ending)
    for ending, kind in _ENDINGS.items():
        if stem.endswith(ending):
            return kind
    raise ConfigError(
        f"{name}: the name does not tell the format",
        hint=f"Known endings: {', '.join(_ENDINGS)}, also with {', '.join(_COMPRESSED)};"
        f" or give `format:` as one of {', '.join(get_args(Format))}",
        file=name,
    )


def open_reader(
    files: Sequence[SourceFile],
    *,
    format: str | None = None,  # noqa: A002 - the word that users write in YAML
    options: CsvOptions | None = None,
) -> Reader:
    """A reader for files of one format.

    Raises:
        ConfigError: an unknown format or ending, files of several formats, or CSV options for another format.
        EmptySourceError: no file at all.
    """
    if format is not None and format not in get_args(Format):
        raise ConfigError(
            f"format: {format!r} is not known", hint=f"Known: {', '.join(get_args(Format))}"
        )
    if not files:
        check_not_empty(files)
    found = {format} if format else {detect_format(file.name) for file in files}
    if len(found) > 1:
        raise ConfigError(
            f"The files are of several formats: {', '.join(sorted(map(str, found)))}",
            hint="Narrow the path, or give `format:`",
        )
    if "csv" in found:
        return CsvReader(files, options)
    if options is not None and options != CsvOptions():
        raise ConfigError(
            f"{files[0].name} is Parquet, which has no CSV options", hint="Leave them out"
        )
    return ParquetReader(files)
