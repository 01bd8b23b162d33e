"""A classification file -> what it does, or every reason why it is refused. Pure: reads the given stream once."""

from __future__ import annotations

from typing import BinaryIO

from assets.classifications.operations import Operations
from assets.classifications.problems import Rejected
from assets.classifications.schema import ParseOptions, SetSchema


def parse(
    stream: BinaryIO, *, file_name: str, schema: SetSchema, options: ParseOptions | None = None
) -> Operations | Rejected:
    """Check a whole file and resolve its records; all or nothing (G11).

    Args:
        stream: the file's bytes from the start; read to the end, never sought.
        file_name: its extension decides the format: .json, .csv, .tsv, .tab (G1).
        schema: the set's columns.
        options: how to read; by default what the set says.

    Returns:
        Operations if nothing is wrong, else Rejected with all errors in file order. Nothing in a file raises.
    """
    raise NotImplementedError
