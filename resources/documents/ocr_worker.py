"""The program of a confined process that recognises text in pictures. It is one of its own: models need memory that parsers may not have."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from resources.documents.parsers.recognition import load, recognise
from resources.documents.requests import OcrRequest
from resources.sandbox.ranged_file import RangedFile
from resources.sandbox.worker import serve

_encode = msgspec.msgpack.Encoder().encode
_ocr_request = msgspec.msgpack.Decoder(OcrRequest).decode


def _recognise(files: Sequence[RangedFile], options: bytes) -> Iterator[bytes]:
    yield from map(_encode, recognise(files[0], _ocr_request(options)))


def main(
    descriptor: int,
    parent: int,
    _: str,
    memory_bytes: int,
    cpu_seconds: int,
    readable: Sequence[str],
) -> None:
    """Answers jobs until the parent is gone; see `serve` in `resources/sandbox/worker.py`."""
    logging.disable(logging.CRITICAL)
    load()
    serve(
        descriptor,
        parent,
        {"recognise": _recognise},
        memory_bytes=memory_bytes,
        cpu_seconds=cpu_seconds,
        readable=[Path(folder) for folder in readable],
    )
