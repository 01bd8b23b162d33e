"""The program of a confined process: a parser loaded, then `sandbox/worker.py` takes over. No other module imports it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from resources.media.facts import FileType
from resources.media.parsers.probing import frames_of, load, picture, probe
from resources.media.requests import FramesRequest, LookRequest, PictureRequest
from resources.sandbox.ranged_file import RangedFile
from resources.sandbox.worker import serve

_encode = msgspec.msgpack.Encoder().encode
_look_request = msgspec.msgpack.Decoder(LookRequest).decode
_picture_request = msgspec.msgpack.Decoder(PictureRequest).decode
_frames_request = msgspec.msgpack.Decoder(FramesRequest).decode


def _look(files: Sequence[RangedFile], options: bytes) -> Iterator[bytes]:
    asked = _look_request(options)
    yield _encode(probe(files[0], asked.announced, asked.pixels))


def _picture(files: Sequence[RangedFile], options: bytes) -> Iterator[bytes]:
    made = picture(files[0], _picture_request(options))
    if made is not None:
        yield made


def _frames(files: Sequence[RangedFile], options: bytes) -> Iterator[bytes]:
    asked = _frames_request(options)
    yield from map(_encode, frames_of(files[0], asked.wanted, asked.pixels))


HANDLERS = {"look": _look, "picture": _picture, "frames": _frames}


def main(
    descriptor: int,
    parent: int,
    first: FileType,
    memory_bytes: int,
    cpu_seconds: int,
    readable: Sequence[str],
) -> None:
    """Answers jobs until the parent is gone; see `serve` in `sandbox/worker.py`. `first` is what it is started for."""
    load(first)
    serve(
        descriptor,
        parent,
        HANDLERS,
        memory_bytes=memory_bytes,
        cpu_seconds=cpu_seconds,
        readable=[Path(folder) for folder in readable],
    )
