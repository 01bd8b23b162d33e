"""A worker, from inside: it gives up what it does not need, then answers jobs until its parent is gone.

What a file makes a parser raise is an answer. After a lack of memory the process cannot know what it is left with, and
ends; the parent starts another one.
"""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from resources.kernel.foreign_text import one_line
from resources.sandbox.confinement import allow_processor_time, confine, end_with_parent
from resources.sandbox.messages import (
    AnswerPart,
    Channel,
    Confined,
    Job,
    JobDone,
    JobRefused,
    RangeRead,
    RangeWanted,
    ToWorker,
)
from resources.sandbox.ranged_file import RangedFile
from resources.sandbox.refusals import SandboxRefusedError

Handler = Callable[[Sequence[RangedFile], bytes], Iterable[bytes]]
"""Answers a job: its files and its options; each answer is sent when it is there."""

_MOST_INCOMING = 1 << 31


class NoBytesError(OSError):
    """The parent gives no more bytes: whatever comes of the file, it knows better what to tell."""


def serve(
    descriptor: int,
    parent: int,
    handlers: Mapping[str, Handler],
    *,
    memory_bytes: int,
    cpu_seconds: int,
    readable: Sequence[Path],
) -> None:
    """Answers jobs that come over a socket until its other end is closed.

    Args:
        descriptor: the socket.
        parent: number of the process at its other end.
        handlers: what can be asked for.
        memory_bytes: how much more memory the process may take.
        cpu_seconds: how long it may compute for one answer.
        readable: folders that it may go on reading.
    """
    end_with_parent(parent)
    channel = Channel(socket.socket(fileno=descriptor), ToWorker, _MOST_INCOMING)
    gc.freeze()
    channel.send(Confined(confine(memory_bytes, readable)))
    with suppress(EOFError, OSError):
        while True:
            job = channel.receive()
            if isinstance(job, Job) and not _answer(channel, job, handlers, cpu_seconds):
                return


def _answer(channel: Channel, job: Job, handlers: Mapping[str, Handler], cpu_seconds: int) -> bool:
    """Whether the process is fit for another job."""
    try:
        allow_processor_time(cpu_seconds)
        for part in handlers[job.handler](_files(channel, job), job.options):
            channel.send(AnswerPart(part))
            allow_processor_time(cpu_seconds)
    except SandboxRefusedError as refused:
        channel.send(JobRefused(str(refused.facts["rule"]), refused.message))
    except MemoryError:
        channel.send(JobRefused("over_memory", "", is_final=True))
        return False
    except RecursionError:
        channel.send(JobRefused("too_deep", "it is nested too deep"))
    except Exception as error:  # noqa: BLE001 - whatever a parser raises about a file is an answer
        channel.send(JobRefused("unreadable", _told(error)))
    else:
        channel.send(JobDone())
    return True


def _told(error: Exception) -> str:
    return one_line(str(error)) or type(error).__name__


def _files(channel: Channel, job: Job) -> list[RangedFile]:
    return [
        RangedFile(name, size, head, _Fetch(channel, source))
        for source, (name, size, head) in enumerate(
            zip(job.names, job.sizes, job.heads, strict=True)
        )
    ]


class _Fetch:
    """Asks the parent for bytes of one file, and once it was refused no more."""

    def __init__(self, channel: Channel, source: int) -> None:
        self._channel = channel
        self._source = source
        self._is_over = False

    def __call__(self, start: int, length: int) -> bytes:
        if not self._is_over:
            self._channel.send(RangeWanted(self._source, start, length))
            answer = self._channel.receive()
            if isinstance(answer, RangeRead) and answer.data is not None:
                return answer.data
            self._is_over = True
        raise NoBytesError("the bytes cannot be had")
