"""The part of MySQL's protocol that moves rows: prepared statements, binary result sets, data for LOAD DATA LOCAL.

pymysql signs in and runs small statements; here its socket is used directly. What belongs here: packets. What does not:
what their bytes mean (`wire_rows`), or how to connect (`session`).

**What holds.** Rows are handed over only as whole packets, in order, and a result counts as complete only with the
server's own mark at its end. Anything else, such as the end of the connection, is a `ConnectionLostError` or a
`ServerError`, never a shorter result. A statement is prepared, never sent as text: the server
then takes a single statement and no more (T17), and describes its columns without running it.

**Why not a driver.** Rows in binary form can be taken apart a column at a time, with no object for each value. The drivers
at hand make objects, or change values silently: `0000-00-00` into null, wide decimals into doubles.

**When it is lost.** After any of these errors the state of the connection is unknown: it is closed, not used again.

**What it costs.** Some `CHUNK_BYTES` of a result are in memory at a time, more if a single row is longer.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

CHUNK_BYTES = 4 * 1024 * 1024
"""How much of a result is received before it is taken apart."""

SLACK = 16
"""Bytes behind the last row of a chunk that may be looked at and mean nothing."""

_LARGEST = 0xFFFFFF
_COM_QUERY, _COM_PREPARE, _COM_EXECUTE, _COM_CLOSE = 0x03, 0x16, 0x17, 0x19
_OK, _LOCAL_INFILE, _EOF, _ERROR = 0x00, 0xFB, 0xFE, 0xFF
_SEND_BYTES = 1024 * 1024
_HEADER = struct.Struct("<I")

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


class ServerError(Exception):
    """What the server answered instead of a result.

    Attributes:
        code: its number of the error: 1146.
        text: what it says.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class ConnectionLostError(Exception):
    """The connection ended, or what came over it is not the protocol."""


class Line(Protocol):
    """What carries the bytes: a socket with a time limit for silence."""

    def recv_into(self, buffer: memoryview) -> int:
        """Receives what is there; 0 at the end of the connection."""

    def sendall(self, data: bytes) -> None:
        """Sends all of it."""

    def hurry(self) -> None:
        """From now on waits no longer than a moment."""


@dataclass(frozen=True)
class WireColumn:
    """A result column as the server describes it."""

    name: str
    code: int
    charset: int
    length: int
    flags: int
    decimals: int


@dataclass(frozen=True)
class PreparedStatement:
    """A prepared statement."""

    number: int
    columns: tuple[WireColumn, ...]
    parameters: int


@dataclass(frozen=True)
class Done:
    """What a statement without rows did."""

    rows: int
    warnings: int


@dataclass(frozen=True)
class WireRows:
    """Rows of a result set as they came.

    Attributes:
        data: the bytes, and `SLACK` more.
        starts: where each row begins in it.
        ends: where each ends.
    """

    data: Bytes
    starts: Places
    ends: Places


class Wire:
    """Commands and answers over the line of a session that has signed in and awaits a command."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._data: Bytes = np.empty(CHUNK_BYTES + SLACK, dtype=np.uint8)
        self._view = self._data.data
        self._begin = 0
        self._end = 0

    def prepare(self, sql: str) -> PreparedStatement:
        """Has one statement parsed and described; nothing is run.

        Raises:
            ServerError: the server refuses it: more than one statement, unknown names, no such right.
        """
        self._send(_COM_PREPARE, sql.encode())
        answer = self._packet()
        number, columns, parameters = struct.unpack_from("<IHH", answer, 1)
        for count in (parameters, columns):
            described = [self._packet() for _ in range(count)]
            if count:
                self._packet()  # the mark behind the descriptions
        return PreparedStatement(
            number, tuple(map(_column, described if columns else ())), parameters
        )

    def execute(self, statement: PreparedStatement) -> Generator[WireRows]:
        """Runs a prepared statement; its rows as they come.

        Raises:
            ServerError: it failed, perhaps after many rows.
            ConnectionLostError: cut off before its end (E1).
        """
        self._send(_COM_EXECUTE, struct.pack("<IBI", statement.number, 0, 1))
        answer = self._packet()
        count, _ = _length(answer, 0)
        columns = tuple(_column(self._packet()) for _ in range(count))
        self._packet()
        if [(c.name, c.code) for c in columns] != [(c.name, c.code) for c in statement.columns]:
            raise ServerError(1615, "the table was changed while it was read")
        yield from self._chunks()

    def forget(self, statement: PreparedStatement) -> None:
        """Ends a prepared statement; the server does not answer."""
        self._send(_COM_CLOSE, struct.pack("<I", statement.number))

    def run(self, sql: str | bytes) -> Done:
        """Runs one statement that returns no rows.

        Raises:
            ServerError: it failed.
        """
        self._send(_COM_QUERY, sql.encode() if isinstance(sql, str) else sql)
        return _done(self._packet())

    def load(self, sql: str, blocks: Iterable[bytes | memoryview]) -> Done:
        """Runs a LOAD DATA LOCAL statement and sends it `blocks` as the file.

        No file is ever opened: whatever file the server asks for, it gets these bytes. When `blocks` fails, the
        statement is brought to its end, so that the session can still undo it.
        """
        self._send(_COM_QUERY, sql.encode())
        if self._packet()[0] != _LOCAL_INFILE:
            raise ConnectionLostError(
                "the server did not ask for the rows that it was told to load"
            )
        sequence = 2
        try:
            for block in blocks:
                view = memoryview(block)
                for start in range(0, len(view), _SEND_BYTES):
                    part = view[start : start + _SEND_BYTES]
                    head = _HEADER.pack(len(part) | sequence << 24)
                    self._line.sendall(head + part)
                    sequence = (sequence + 1) & 0xFF
        except BaseException:
            self._end_file(sequence)
            raise
        self._line.sendall(_HEADER.pack(sequence << 24))
        return _done(self._packet())

    def _end_file(self, sequence: int) -> None:
        self._line.hurry()
        with contextlib.suppress(OSError, ConnectionLostError, ServerError):
            self._line.sendall(_HEADER.pack(sequence << 24))
            self._packet()

    def _send(self, command: int, payload: bytes) -> None:
        """A command of any length: packets of at most 16 MB."""
        body = bytes([command]) + payload
        self._begin = self._end = 0
        for sequence, start in enumerate(range(0, len(body) + 1, _LARGEST)):
            part = body[start : start + _LARGEST]
            self._line.sendall(struct.pack("<I", len(part))[:3] + bytes([sequence & 0xFF]) + part)

    def _packet(self) -> bytes:
        """The payload of the next packet.

        Raises:
            ServerError: it is an error.
        """
        parts = []
        while True:
            self._need(4)
            size = int.from_bytes(self._view[self._begin : self._begin + 3], "little")
            self._need(4 + size)
            parts.append(bytes(self._view[self._begin + 4 : self._begin + 4 + size]))
            self._begin += 4 + size
            if size < _LARGEST:
                return _checked(b"".join(parts))

    def _need(self, size: int) -> None:
        """Receives until `size` bytes are there behind `_begin`."""
        while self._end - self._begin < size:
            if self._begin + size > len(self._data) - SLACK:
                self._renew(max(size, CHUNK_BYTES))
            self._receive()

    def _receive(self) -> None:
        got = self._line.recv_into(self._view[self._end : len(self._data) - SLACK])
        if not got:
            raise ConnectionLostError("the server closed the connection in the middle of an answer")
        self._end += got

    def _renew(self, size: int) -> None:
        """A buffer of its own for what comes, of `size` bytes or more; what is left of the old one stands first."""
        left = self._data[self._begin : self._end]
        self._data = np.empty(max(size, len(left)) + SLACK, dtype=np.uint8)
        self._data[: len(left)] = left
        self._view = self._data.data
        self._begin, self._end = 0, len(left)

    def _chunks(self) -> Generator[WireRows]:
        """All rows up to the mark at the end. Each chunk has bytes of its own, which are not overwritten."""
        ended = False
        while not ended:
            self._renew(CHUNK_BYTES)
            places, ended = self._gather()
            rows = np.array(places, dtype=np.int64)
            if ended:
                rows = rows[:-1]
            self._begin = places[-1]
            if len(rows) > 1:
                yield WireRows(self._data, rows[:-1] + 4, rows[1:])
            elif not ended:
                yield self._large_row()

    def _gather(self) -> tuple[list[int], bool]:
        """Receives until the buffer is full or the result ends.

        Returns:
            where each whole packet begins, and the place behind them; whether the last of them is the end.
        """
        view, end_of_buffer = self._view, len(self._data) - SLACK
        place, places = self._begin, [self._begin]
        header = _HEADER.unpack_from
        while True:
            size = 0
            while place + 4 <= self._end:
                size = header(view, place)[0] & _LARGEST
                if size == _LARGEST or place + 4 + size > self._end:
                    break
                place += 4 + size
                places.append(place)
            if len(places) > 1 and (kind := view[places[-2] + 4]) != _OK:
                _checked(bytes(view[places[-2] + 4 : place]))
                if kind == _EOF:
                    return places, True
            if size == _LARGEST or place + 4 + size > end_of_buffer:
                return places, False
            self._receive()

    def _large_row(self) -> WireRows:
        """One row that is larger than a chunk, or than a packet."""
        row = np.frombuffer(self._packet() + bytes(SLACK), dtype=np.uint8)
        end = np.array([len(row) - SLACK], dtype=np.int64)
        return WireRows(row, np.zeros(1, dtype=np.int64), end)


def _checked(packet: bytes) -> bytes:
    """The packet unless it is an error.

    Raises:
        ServerError: it is one.
    """
    if packet[:1] == bytes([_ERROR]) and len(packet) >= 3:
        (code,) = struct.unpack_from("<H", packet, 1)
        text = packet[3:]
        if text[:1] == b"#":
            text = text[6:]  # behind the SQLSTATE
        raise ServerError(code, text.decode(errors="replace"))
    return packet


def _length(packet: bytes, place: int) -> tuple[int, int]:
    """A length-encoded integer, and where the next thing begins."""
    first = packet[place]
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first, 0)
    if not width:
        return first, place + 1
    return int.from_bytes(packet[place + 1 : place + 1 + width], "little"), place + 1 + width


def _done(packet: bytes) -> Done:
    if packet[0] != _OK:
        raise ConnectionLostError("the server sent rows where none were asked for")
    rows, place = _length(packet, 1)
    _, place = _length(packet, place)
    return Done(rows, struct.unpack_from("<H", packet, place + 2)[0])


def _column(packet: bytes) -> WireColumn:
    """The description of a result column: catalog, schema, table twice, name twice, then numbers."""
    place, texts = 0, []
    for _ in range(6):
        size, place = _length(packet, place)
        texts.append(packet[place : place + size])
        place += size
    _, place = _length(packet, place)
    charset, length, code, flags, decimals = struct.unpack_from("<HIBHB", packet, place)
    return WireColumn(texts[4].decode(), code, charset, length, flags, decimals)
