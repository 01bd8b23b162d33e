"""A state -> the bytes of a download; loading them again into the same set changes nothing (F135). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from assets.classifications.schema import Encoding, SetSchema


class FileFormat(StrEnum):
    """Formats of a download; the value is the extension without its dot."""

    JSON = "json"
    CSV = "csv"
    TSV = "tsv"


@dataclass(frozen=True)
class WriteOptions:
    """How a download is written.

    Args:
        format: JSON has one object a line.
        encoding: None for the set's own.
        list_delimiter: between elements of a list in CSV and TSV; None for the set's own.
    """

    format: FileFormat = FileFormat.CSV
    encoding: Encoding | None = None
    list_delimiter: str | None = None


def write(state: pa.Table, schema: SetSchema, options: WriteOptions) -> Iterator[bytes]:
    """The file in pieces of some thousand rows.

    Raises:
        InputError: a character that Latin-1 does not have, a list element with the delimiter in it (CSV, TSV); the
            message names key, column and what to choose instead.
    """
    raise NotImplementedError


def template(schema: SetSchema, file_format: FileFormat) -> bytes:
    """A file with the header alone (F136).

    Raises:
        InputError: JSON has no header.
    """
    raise NotImplementedError
