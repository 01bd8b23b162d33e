"""All errors of a file as a file: written while they are found, however many there are. Pure."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Protocol, TextIO

from assets.classifications.checking import finding_json
from assets.classifications.problems import FileProblem
from assets.classifications.reading.batch import ErrorReport
from resources.kernel.errors import InputError

_FIELDS = ("row", "rule", "column", "message")


class Report(ErrorReport, Protocol):
    """An `ErrorReport` that has an end."""

    def finish(self) -> None:
        """Writes what comes after the last error."""


class CsvReport:
    """A header, then an error a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.restart()

    def write(self, problems: Sequence[FileProblem]) -> None:
        """See `ErrorReport`."""
        self._writer.writerows((p.row, p.rule, p.column or "", p.message) for p in problems)

    def restart(self) -> None:
        """See `ErrorReport`."""
        _empty(self._stream)
        self._writer = csv.writer(self._stream)
        self._writer.writerow(_FIELDS)

    def finish(self) -> None:
        """Nothing is missing."""


class JsonReport:
    """An array of objects, one a line."""

    _before: str

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.restart()

    def write(self, problems: Sequence[FileProblem]) -> None:
        """See `ErrorReport`."""
        for problem in problems:
            self._stream.write(self._before + json.dumps(finding_json(problem), ensure_ascii=False))
            self._before = ",\n"

    def restart(self) -> None:
        """See `ErrorReport`."""
        _empty(self._stream)
        self._before = "[\n"

    def finish(self) -> None:
        """Closes the array."""
        self._stream.write("[]\n" if self._before == "[\n" else "\n]\n")


_KINDS: Mapping[str, type[CsvReport | JsonReport]] = {".csv": CsvReport, ".json": JsonReport}


def open_report(name: str, stream: TextIO) -> Report:
    """The report that a file of this name holds.

    Raises:
        InputError: neither .csv nor .json.
    """
    kind = _KINDS.get(PurePath(name).suffix.lower())
    if kind is None:
        raise InputError(f"a report is a .csv or a .json file, not {name!r}")
    return kind(stream)


def _empty(stream: TextIO) -> None:
    stream.seek(0)
    stream.truncate()
