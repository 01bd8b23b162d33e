"""COPY in binary form: one thread encodes, another sends, so that client and server work at the same time."""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.source import SourceRows

if TYPE_CHECKING:
    import psycopg

_PIECES_IN_FLIGHT = 2
_STOP_SECONDS = 4.0


def copy_rows(
    connection: psycopg.Connection[Any],
    into: str,
    columns: tuple[WrittenColumn, ...],
    source: SourceRows,
) -> int:
    """Sends all rows of `source` by one COPY and returns how many the server stored.

    Args:
        connection: inside the transaction that the rows belong to.
        into: quoted table with its column list.
        columns: in the order of that list.
        source: the rows.
    """
    cursor = connection.cursor()
    failure: BaseException | None = None
    try:
        with cursor.copy(f"COPY {into} FROM STDIN WITH (FORMAT binary)") as copy:
            try:
                _send(connection, copy.write, _encode(columns, source))
            except BaseException as error:
                failure = error
                raise
    except BaseException:
        # What ended the stream is the news; that the server then reports a broken COPY is not.
        if failure is not None:
            raise failure from failure.__cause__
        raise
    return cursor.rowcount


def _encode(columns: tuple[WrittenColumn, ...], source: SourceRows) -> Iterator[bytes]:
    from pgpq import ArrowToPostgresBinaryEncoder
    from pgpq.encoders import LargeStringEncoderBuilder
    from pgpq.schema import Jsonb

    encoders = {}
    for field, column in zip(source.schema, columns, strict=True):
        if column.type.sql == "jsonb":
            encoders[field.name] = LargeStringEncoderBuilder.new_with_output(field, Jsonb())
        else:
            encoders[field.name] = ArrowToPostgresBinaryEncoder.infer_encoder(field)
    encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(source.schema, encoders)
    yield encoder.write_header()
    for batch in source.batches():
        yield encoder.write_batch(batch)
    yield encoder.finish()


def _send(connection: psycopg.Connection[Any], write: Any, pieces: Iterable[bytes]) -> None:
    waiting: queue.Queue[bytes | None] = queue.Queue(_PIECES_IN_FLIGHT)
    failures: list[BaseException] = []
    stopped = threading.Event()

    def work() -> None:
        while (piece := waiting.get()) is not None:
            if stopped.is_set() or failures:
                continue
            try:
                write(piece)
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
                failures.append(error)

    sender = threading.Thread(target=work, name="copy-sender", daemon=True)
    sender.start()
    try:
        for piece in pieces:
            waiting.put(piece)
            if failures:
                break
    except BaseException:
        stopped.set()
        _interrupt(connection, sender, waiting)
        raise
    waiting.put(None)
    sender.join()
    if failures:
        raise failures[0]


def _interrupt(
    connection: psycopg.Connection[Any],
    sender: threading.Thread,
    waiting: queue.Queue[bytes | None],
) -> None:
    """Ends the sender soon even if the server has stopped listening (E57)."""
    closer = threading.Thread(target=waiting.put, args=(None,), daemon=True)
    closer.start()
    sender.join(_STOP_SECONDS)
    if sender.is_alive():
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
        sender.join()
