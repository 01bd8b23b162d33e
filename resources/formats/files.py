"""A local file as a reader gets it, and what all readers offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from resources.formats.unpacking import UnpackBudget
from resources.kernel.errors import EmptySourceError
from resources.kernel.records import BatchStream


@dataclass(frozen=True)
class SourceFile:
    """A file to read: the name that its user knows, for errors, and where its bytes lie."""

    name: str
    path: Path
    budget: UnpackBudget = field(default_factory=UnpackBudget, compare=False, repr=False)
    """What it may unpack to, together with the other files of its import."""
    left_out_before: int = field(default=0, compare=False, repr=False)
    """How many files of its import were left out, as archives or copies, before it came to a reader."""


class Reader(Protocol):
    """One dataset from one or more files."""

    def stream(self) -> BatchStream:
        """The rows of all files, from the beginning; may be asked again, always when `Retype` was raised."""
        ...


def check_not_empty(files: Sequence[SourceFile]) -> None:
    """Refuses a dataset without files, and files without a byte.

    Raises:
        EmptySourceError: naming the file (E25).
    """
    if not files:
        raise EmptySourceError("There is no file to read", hint="Check the path or pattern")
    for file in files:
        if file.path.stat().st_size == 0:
            raise EmptySourceError(
                f"File {file.name} is empty",
                hint="Send it again, or leave out such files with `on_bad_file: skip`",
                file=file.name,
            )
