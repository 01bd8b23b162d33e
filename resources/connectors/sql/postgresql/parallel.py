"""Several PostgreSQL connections that read one source together, in order, under one snapshot.

**What holds.** The batches are those of one connection that reads everything: the same rows, in the order of the
statements, however many connections there are. The first error of any of them ends the read.

**Why.** A large table is cut into ranges of pages, a statement each. A connection takes the next range that is not
taken yet; each range has a queue of its own, and the queues are emptied in order. All sessions have the snapshot of the
leader, which has locked the source before.

**When it is lost.** A helper that finds no free connection, or a queue before the lock, is done without: the others read its
ranges. Silence is judged over all connections together, since those that are ahead wait on purpose; before the
read is given up the server is asked over another connection whether it still computes (E4).

**What it costs.** `BATCHES_PER_RANGE` batches for each of `connections + RANGES_AHEAD` ranges in memory, one thread and one
connection of the server each. The gain ends where the reader of the batches is the slowest part.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from resources.connectors.sql.postgresql.session import LockQueueError, SnapshotSession
from resources.kernel.errors import ConnectorUnavailableError

BATCHES_PER_RANGE = 2
RANGES_AHEAD = 2
JOIN_SECONDS = 5.0

_END = object()  # comes after the last batch of a range


class NoHelperError(Exception):
    """The server has no connection left for one that helps."""


class _StoppedError(Exception):
    """The reader has gone: the connections that read for it stop."""


class RangeReader:
    """Reads statements over several sessions; their batches come in the order of the statements.

    Args:
        statements: SELECTs, each a part of the whole.
        leader: the session that has locked what is read; it could read all by itself.
        open_session: opens a session that helps; raises `LockQueueError` or `NoHelperError` when it cannot, and is done without.
        connections: how many threads and sessions, the leader included.
        silence_limit: seconds without a byte from the server after which `is_busy` is asked (E4).
        is_busy: asks the server over another way whether the process with this id still computes.
        cancel: asks the server to end what the process with this id does.
    """

    def __init__(
        self,
        statements: Sequence[str],
        leader: SnapshotSession,
        open_session: Callable[[], SnapshotSession],
        *,
        connections: int,
        silence_limit: float,
        is_busy: Callable[[int], bool],
        cancel: Callable[[int], None],
    ) -> None:
        self._statements = statements
        self._open_session = open_session
        self._silence_limit = silence_limit
        self._is_busy = is_busy
        self._cancel = cancel
        self._window = connections + RANGES_AHEAD
        self._changed = threading.Condition()
        self._ranges: list[deque[Any]] = [deque() for _ in statements]
        self._next = 0
        self._done = 0
        self._failure: Exception | None = None
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._work, name=f"postgresql-read-{i}", daemon=True)
            for i in range(min(connections, len(statements)))
        ]
        self._sessions = {self._threads[0]: leader}

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All batches. Whatever a session meets is raised here.

        Raises:
            ConnectorUnavailableError: the server fell silent (E4).
        """
        for thread in self._threads:
            thread.start()
        for index in range(len(self._statements)):
            while (batch := self._take(index)) is not _END:
                yield batch
            with self._changed:
                self._done = index + 1
                self._changed.notify_all()

    def close(self) -> None:
        """Ends threads and sessions, whatever they are at; returns within seconds."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive() and (session := self._sessions.get(thread)):
                self._cancel(session.pid)
        self._join(JOIN_SECONDS)
        for session in self._sessions.values():
            session.abort()
        self._join(JOIN_SECONDS)
        for thread, session in self._sessions.items():
            if not thread.is_alive():
                with contextlib.suppress(Exception):  # a session that was cut cannot say goodbye
                    session.close()

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _take(self, index: int) -> Any:
        waiting_since = time.monotonic()
        with self._changed:
            while not self._ranges[index]:
                if self._failure is not None:
                    raise self._failure
                self._changed.wait(min(1.0, self._silence_limit / 4))
                waited = time.monotonic() - waiting_since
                if waited >= self._silence_limit and not self._ranges[index]:
                    self._check_silence()
                    waiting_since = time.monotonic()
            item = self._ranges[index].popleft()
            self._changed.notify_all()
            return item

    def _check_silence(self) -> None:
        for session in list(self._sessions.values()):
            silence = session.silence_seconds()
            if silence is not None and silence < self._silence_limit:
                return
        if any(self._is_busy(session.pid) for session in list(self._sessions.values())):
            return
        for session in list(self._sessions.values()):
            session.abort()
        raise ConnectorUnavailableError(
            f"no byte came for {self._silence_limit:.0f} s in the middle of a read",
            hint="The connection stalled; try again, or raise `read_timeout_seconds`",
        )

    def _work(self) -> None:
        try:
            thread = threading.current_thread()
            if thread not in self._sessions:
                self._sessions[thread] = self._open_session()
            session = self._sessions[thread]
            while (index := self._next_range()) is not None:
                for batch in session.batches(self._statements[index]):
                    self._put(index, batch)
                self._put(index, _END)
        except (_StoppedError, LockQueueError, NoHelperError):
            return
        except Exception as error:  # noqa: BLE001 - carried over to the reading thread and raised there
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()

    def _next_range(self) -> int | None:
        with self._changed:
            while self._next - self._done >= self._window and not self._stopped:
                self._changed.wait()
            if self._stopped or self._next >= len(self._statements):
                return None
            self._next += 1
            return self._next - 1

    def _put(self, index: int, item: Any) -> None:
        with self._changed:
            while len(self._ranges[index]) >= BATCHES_PER_RANGE and not self._stopped:
                self._changed.wait()
            if self._stopped:
                raise _StoppedError
            self._ranges[index].append(item)
            self._changed.notify_all()
