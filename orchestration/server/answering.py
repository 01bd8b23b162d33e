"""What a fork of a code location does for a question: answers over a socket, and ends.

Three things end it before: the client hangs up, the time is up, or it needs more memory than it may have.

    python -m orchestration.server.answering QUESTION SOCKET_FD TARGET...

is the way without a fork: the code is loaded here.
"""

from __future__ import annotations

import json
import logging
import resource
import select
import socket
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchestration.server.loading import Definitions, Target, load
from orchestration.server.threads import leave
from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.asking.frames import (
    DATA,
    END,
    FAILED,
    FRAME_LIMIT_BYTES,
    RESULT,
    TOLD,
    encode,
    encode_error,
    frame,
)
from orchestration.services.asking.question import Desk, Question, Streamed, find_question
from orchestration.services.described import kept_store
from orchestration.services.home import open_home
from resources.kernel.errors import ConfigError, InputError, WaybillError

CHUNK_BYTES = 1_000_000
LOCK_SECONDS = 1.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answering:
    """A question to answer over a connection."""

    question: str
    connection: socket.socket


class _Line:
    """The connection to the client: one frame at a time, from whichever thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._connection.settimeout(None)
        self._lock = threading.Lock()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        with self._lock:
            self._connection.sendall(frame(kind, payload))

    def last_word(self, error: WaybillError) -> None:
        """Says why the process ends now, unless it is in the middle of another word."""
        if self._lock.acquire(timeout=LOCK_SECONDS):
            self._connection.settimeout(LOCK_SECONDS)
            self._connection.sendall(frame(FAILED, encode_error(error)))

    def wait_for_hang_up(self, seconds: float) -> bool:
        """Whether the other side has gone before `seconds` were over; it has nothing more to say otherwise."""
        watched = select.poll()
        watched.register(self._connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        return bool(watched.poll(seconds * 1000))


def answer(task: Answering, definitions: Definitions) -> int:
    """Answers; the code to exit with."""
    line = _Line(task.connection)
    try:
        asked = json.loads(task.question)
        question = find_question(str(asked["question"]))
        _bound(line, question)
        try:
            _send(
                line,
                question,
                question.answer(_desk(asked, definitions, line), **asked["arguments"]),
            )
        except MemoryError:
            line.last_word(_too_large(question))
    except WaybillError as error:
        line.last_word(error)
    except BrokenPipeError:
        return 0  # the client has hung up
    except Exception as error:  # users' code and drivers may raise anything
        logger.exception("a question could not be answered: %s", task.question[:500])
        line.last_word(WaybillError(f"{type(error).__name__}: {error}", hint="The log has more"))
    return 0


def _desk(asked: dict[str, Any], definitions: Definitions, line: _Line) -> Desk:
    from orchestration.definitions import loaded
    from orchestration.location import Location

    home, project = open_home(), definitions.target.location
    found = loaded()

    def open_location() -> Location:
        if found is None:
            raise ConfigError(
                f"the code location {project!r} does not load: {definitions.reason}"
                if definitions.error is not None
                else f"the code location {project!r} is no project of Waybill"
            )
        return Location(found)

    return Desk(
        project,
        home,
        _actor(asked["actor"]),
        open_location,
        kept_store(home, project),
        lambda event: line.send(TOLD, encode(event)),
    )


def _actor(given: dict[str, Any]) -> Actor:
    scopes = frozenset(Scope(scope) for scope in given["scopes"])
    return Actor(given["name"], Role(given["role"]), scopes, given["via"], given["address"])


def _send(line: _Line, question: Question[Any], result: object) -> None:
    if isinstance(result, Streamed):
        line.send(RESULT, encode(result.head))
        _send_chunks(line, result.chunks)
        return
    payload = encode(result)
    if len(payload) > FRAME_LIMIT_BYTES:
        raise InputError(
            f"{question.name}: the answer is larger than {FRAME_LIMIT_BYTES} bytes",
            hint="Ask for less at a time",
        )
    line.send(RESULT, payload)


def _send_chunks(line: _Line, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        view = memoryview(chunk)
        for start in range(0, len(view), CHUNK_BYTES):
            line.send(DATA, bytes(view[start : start + CHUNK_BYTES]))
    line.send(END)


def _bound(line: _Line, question: Question[Any]) -> None:
    """Bounds the time and the memory that this process may take."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most == resource.RLIM_INFINITY or question.memory_bytes < most:
        resource.setrlimit(resource.RLIMIT_DATA, (question.memory_bytes, most))
    watch = threading.Thread(target=_watch, args=(line, question), name="watch", daemon=True)
    watch.start()


def _watch(line: _Line, question: Question[Any]) -> None:
    end = time.monotonic() + question.seconds
    while (left := end - time.monotonic()) > 0:
        if line.wait_for_hang_up(left):
            leave(0)
    line.last_word(
        InputError(
            f"{question.name} took longer than {question.seconds:g} s and was ended",
            hint="Ask for less at a time",
        )
    )
    leave(0)


def _too_large(question: Question[Any]) -> InputError:
    return InputError(
        f"{question.name} needs more than {question.memory_bytes / 1e9:g} GB of memory",
        hint="Ask for less at a time",
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    given, descriptor, *target = sys.argv[1:]
    leave(
        answer(Answering(given, socket.socket(fileno=int(descriptor))), load(Target.parse(target)))
    )
