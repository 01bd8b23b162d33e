"""A form with files in it, read as it comes in: no part of a file is held in memory, none is written twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from resources.kernel.errors import InputError

FIELD_BYTES = 64_000
FIELDS = 50
"""Of a form whose reader says nothing else."""
_HEADERS = 16


@dataclass
class FormFile:
    """A file of a form, and the fields that stand before it."""

    filename: str
    fields: dict[str, str]


@dataclass
class _Part:
    name: str = ""
    filename: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)


class FormStream:
    """Reads a form piece by piece.

    Args:
        content_type: of the request.
        most_files: how many files it may hold.
        most_fields: how many fields.

    Raises:
        InputError: it is no form.
    """

    def __init__(
        self, content_type: str, *, most_files: int = 1, most_fields: int = FIELDS
    ) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:
            raise InputError("this is no form with a file", hint="Send multipart/form-data")
        self._events: list[tuple[str, bytes]] = []
        callbacks: Any = {
            f"on_{name}": self._note(name)
            for name in ("part_begin", "part_end", "headers_finished", "header_end", "end")
        } | {
            f"on_{name}": self._take(name) for name in ("part_data", "header_field", "header_value")
        }
        self._parser = MultipartParser(boundary, callbacks, max_header_count=_HEADERS)
        self._most_files = most_files
        self._most_fields = most_fields
        self._files = 0
        self._part = _Part()
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._fields: dict[str, str] = {}
        self._is_ended = False

    async def receive(
        self,
        chunks: AsyncIterator[bytes],
        open_file: Callable[[FormFile], Awaitable[Callable[[bytes], Awaitable[None]]]],
    ) -> dict[str, str]:
        """Reads to the end; the fields of the form.

        Args:
            chunks: the body.
            open_file: called when a file begins; what it returns is given the bytes of this one.

        Raises:
            InputError: no form, more files in it than it may hold, or one that was cut off.
        """
        write: Callable[[bytes], Awaitable[None]] | None = None
        async for chunk in chunks:
            self._parse(chunk)
            for kind, data in self._drain():
                if kind == "headers_finished" and self._part.filename is not None:
                    self._count_file()
                    write = await open_file(FormFile(self._part.filename, self._fields))
                elif kind == "part_data" and self._part.filename is not None and write is not None:
                    await write(data)
                else:
                    self._follow(kind, data)
        if not self._is_ended:
            raise InputError("the form was cut off", hint="Send it again")
        return self._fields

    def _count_file(self) -> None:
        self._files += 1
        if self._files > self._most_files == 1:
            raise InputError("one file at a time", hint="Send a form for each")
        if self._files > self._most_files:
            raise InputError(
                f"a form may have {self._most_files:,} files, and this one has more",
                hint="Send the others in pieces (tus), or in another form",
                limit=self._most_files,
            )

    def _parse(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise InputError(f"the form cannot be read: {error}", hint="Send it again") from error

    def _drain(self) -> Iterator[tuple[str, bytes]]:
        events, self._events = self._events, []
        for kind, data in events:
            if kind == "header_end":
                self._end_header()
            elif kind == "headers_finished":
                self._name_part()
                yield kind, data
            else:
                yield kind, data

    def _follow(self, kind: str, data: bytes) -> None:
        if kind == "part_begin":
            self._part = _Part()
        elif kind == "header_field":
            self._header[0].extend(data)
        elif kind == "header_value":
            self._header[1].extend(data)
        elif kind == "part_data":
            self._part.data.extend(data)
            if len(self._part.data) > FIELD_BYTES:
                raise InputError(f"a field of the form has more than {FIELD_BYTES:,} bytes")
        elif kind == "part_end" and self._part.filename is None:
            if len(self._fields) >= self._most_fields:
                raise InputError(f"the form has more than {self._most_fields:,} fields")
            self._fields[self._part.name] = self._part.data.decode("utf-8", "replace")
        elif kind == "end":
            self._is_ended = True

    def _end_header(self) -> None:
        name, value = (part.decode("utf-8", "replace") for part in self._header)
        self._part.headers[name.lower()] = value
        self._header = (bytearray(), bytearray())

    def _name_part(self) -> None:
        given = self._part.headers.get("content-disposition", "")
        _, options = parse_options_header(given.encode())
        self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename")
        if filename:  # a chooser that was left empty sends a file without a name
            self._part.filename = filename.decode("utf-8", "replace")

    def _note(self, kind: str) -> Callable[[], None]:
        return lambda: self._events.append((kind, b""))

    def _take(self, kind: str) -> Callable[[bytes, int, int], None]:
        return lambda data, start, end: self._events.append((kind, bytes(data[start:end])))
