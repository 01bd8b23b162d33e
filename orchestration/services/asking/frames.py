"""How an answer travels over a socket: frames of a kind, a length and a payload.

    T  something happened meanwhile   JSON
    R  the result                     JSON
    D  bytes behind the result        as they are
    E  it failed                      JSON of a `WaybillError`
    .  the end of the bytes           empty

A stream that ends without `.` was cut off: the reader must not take it for whole.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from resources.kernel import errors
from resources.kernel.errors import WaybillError

TOLD, RESULT, DATA, FAILED, END = b"T", b"R", b"D", b"E", b"."
HEADER = struct.Struct(">cI")
FRAME_LIMIT_BYTES = 64_000_000


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame."""
    return HEADER.pack(kind, len(payload)) + payload


def encode(value: object) -> bytes:
    """A value as JSON; what JSON has no word for becomes text."""
    return msgspec.json.encode(value, enc_hook=str)


def encode_error(error: WaybillError) -> bytes:
    """An error with its parts. The other side knows the kernel's classes alone, so one of another module goes as what it is a kind of."""
    kind = next(one for one in type(error).__mro__ if getattr(errors, one.__name__, None) is one)
    parts = {
        "kind": kind.__name__,
        "message": error.message,
        "hint": error.hint,
        "facts": error.facts,
    }
    return encode(parts)


def decode_error(payload: bytes) -> WaybillError:
    """The error again: of its class where that is one of ours, else of the base."""
    parts: dict[str, Any] = msgspec.json.decode(payload)
    found = getattr(errors, parts["kind"], None)
    known = isinstance(found, type) and issubclass(found, WaybillError)
    kind: type[WaybillError] = found if known else WaybillError  # type: ignore[assignment]
    return kind.rebuild(parts["message"], parts["hint"], parts["facts"])
