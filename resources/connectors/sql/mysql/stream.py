"""A result set as a stream of Arrow batches: received and taken apart in a thread, a few batches ahead of the reader."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from resources.connectors.sql.mysql.column_types import MysqlColumn
from resources.connectors.sql.mysql.session import MysqlSession
from resources.connectors.sql.mysql.wire import PreparedStatement, WireRows
from resources.connectors.sql.mysql.wire_rows import decode
from resources.kernel.errors import IntegrityError

_BATCHES_AHEAD = 3
_JOIN_SECONDS = 10.0


class RowsDigest:
    """The fingerprint of a result: of its columns and of all bytes of its rows, as the server sent them.

    The same whether the rows are read for it alone or on their way into a dataset, and however they come in chunks.
    """

    def __init__(self, statement: PreparedStatement) -> None:
        self._digest = hashlib.blake2b(repr(statement.columns).encode(), digest_size=16)

    def add(self, chunk: WireRows) -> None:
        """Takes the next rows in."""
        # The header of each row's packet goes in, too: it tells where the row ends.
        first, last = max(0, int(chunk.starts[0]) - 4), int(chunk.ends[-1])
        self._digest.update(chunk.data[first:last].data)

    def text(self) -> str:
        """The fingerprint of the rows so far."""
        return f"h:{self._digest.hexdigest()}"


class ResultStream:
    """What one prepared statement returns.

    Args:
        session: whose statement it is; not used for anything else meanwhile.
        statement: what to run.
        columns: how its columns are read.
        kill: ends what the server does for a session, over another one.
    """

    def __init__(
        self,
        session: MysqlSession,
        statement: PreparedStatement,
        columns: Sequence[MysqlColumn],
        kill: Callable[[int], None],
    ) -> None:
        self._digest = RowsDigest(statement)
        self._session = session
        self._statement = statement
        self._readers = [column.reader for column in columns]
        self._names = [column.plan.name for column in columns]
        self._kill = kill
        self._changed = threading.Condition()
        self._ready: deque[pa.RecordBatch] = deque()
        self._failure: BaseException | None = None
        self._ended = False
        self._is_whole = False
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="mysql-read", daemon=True)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows. Whatever the thread meets is raised here."""
        self._thread.start()
        while True:
            with self._changed:
                while not self._ready and not self._ended:
                    self._changed.wait()
                if not self._ready:
                    break
                batch = self._ready.popleft()
                self._changed.notify_all()
            yield batch
        if self._failure is not None:
            raise self._failure

    def fingerprint(self) -> str:
        """The fingerprint of the rows.

        Raises:
            IntegrityError: they were not read to the end.
        """
        with self._changed:
            if not self._is_whole:
                raise IntegrityError("a fingerprint was asked for before the last row was read")
        return self._digest.text()

    def close(self) -> None:
        """Ends the session, and what the server still does for it; returns within seconds."""
        with self._changed:
            self._stopped = True
            unfinished = self._thread.ident is not None and not self._ended
            self._changed.notify_all()
        if not unfinished:
            self._session.close()
            return
        self._session.abort()
        # A server that computes does not look at its line.
        self._kill(self._session.number)
        self._thread.join(_JOIN_SECONDS)

    def _work(self) -> None:
        try:
            with contextlib.closing(self._session.wire.execute(self._statement)) as chunks:
                for chunk in chunks:
                    self._digest.add(chunk)
                    arrays = decode(chunk, self._readers)
                    if not self._put(pa.RecordBatch.from_arrays(arrays, names=self._names)):
                        return
            self._is_whole = True
        except BaseException as error:  # noqa: BLE001 - raised by `batches`, in the reader's thread
            self._failure = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, batch: pa.RecordBatch) -> bool:
        """Hands over a batch as soon as there is room; False when the reader has gone."""
        with self._changed:
            while len(self._ready) >= _BATCHES_AHEAD and not self._stopped:
                self._changed.wait()
            self._ready.append(batch)
            self._changed.notify_all()
            return not self._stopped
