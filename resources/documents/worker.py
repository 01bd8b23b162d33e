"""The program of a confined process: a parser loaded, then `resources/sandbox/worker.py` takes over. No other module imports it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from resources.documents.kinds import DocumentKind
from resources.documents.parsers.parsing import load, parse
from resources.documents.refusals import DocumentRefusedError, shown_bytes
from resources.documents.requests import ReadRequest
from resources.sandbox.ranged_file import RangedFile
from resources.sandbox.worker import serve

_encode = msgspec.msgpack.Encoder().encode
_read_request = msgspec.msgpack.Decoder(ReadRequest).decode


def _read(files: Sequence[RangedFile], options: bytes) -> Iterator[bytes]:
    asked = _read_request(options)
    answer = _encode(parse(files[0], asked))
    if len(answer) > asked.answer_bytes:
        most = shown_bytes(asked.answer_bytes)
        raise DocumentRefusedError("over_size", f"What is read of it has more than {most}")
    yield answer


def main(
    descriptor: int,
    parent: int,
    first: DocumentKind,
    memory_bytes: int,
    cpu_seconds: int,
    readable: Sequence[str],
) -> None:
    """Answers jobs until the parent is gone; see `serve` in `resources/sandbox/worker.py`. `first` is what it is started for."""
    load(first)
    serve(
        descriptor,
        parent,
        {"read": _read},
        memory_bytes=memory_bytes,
        cpu_seconds=cpu_seconds,
        readable=[Path(folder) for folder in readable],
    )
