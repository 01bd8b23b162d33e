"""Tokens of forms: a page of ours gave it to the sender of the form, in the session in which it is sent.

A second wall behind Origin and Sec-Fetch-Site. It comes as the field `form_token`, which is the first of the form, or
in the header `X-Form-Token`.
"""

from __future__ import annotations

from urllib.parse import parse_qs

import itsdangerous
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from orchestration.server.guard.asgi import Headers, Refusal
from orchestration.server.guard.bodies import StreamedBody

HEADER = "x-form-token"
_PEEK_BYTES = 64_000


class FormTokens:
    """Makes and knows tokens.

    Args:
        key: of this server; what was signed with another is refused.
    """

    def __init__(self, key: bytes) -> None:
        self._signer = itsdangerous.Signer(key, salt=b"waybill form")

    def make(self, binding: str) -> str:
        """The token of a session, or of another way in."""
        return self._signer.get_signature(binding.encode()).decode()

    def check(self, binding: str, given: str) -> Refusal | None:
        """Why a form with this token is refused."""
        if given and self._signer.verify_signature(
            binding.encode(), given.encode("utf-8", "replace")
        ):
            return None
        return Refusal(
            403,
            "the form does not belong to this session",
            hint="Open the page anew and send the form again",
        )


def field_of(body: bytes, name: str) -> str:
    """A field of an urlencoded form; empty where it is not there, or not once."""
    try:
        found = parse_qs(body.decode("latin-1"), max_num_fields=10_000).get(name, [])
    except ValueError:
        return ""
    return found[0] if len(found) == 1 else ""


async def first_field_of(body: StreamedBody, headers: Headers, name: str) -> str:
    """A field of a multipart form, when it is the first; the body stays as it is."""
    _, options = parse_options_header(headers.only("content-type") or "")
    boundary = options.get(b"boundary")
    if not boundary:
        return ""
    part = _FirstPart(boundary)
    seen = 0
    while seen < _PEEK_BYTES and not part.is_whole:
        piece = await body.peek()
        if not piece or not part.feed(piece):
            break
        seen += len(piece)
    return part.value if part.is_whole and part.name == name else ""


class _FirstPart:
    """The first part of a multipart body."""

    def __init__(self, boundary: bytes) -> None:
        self.is_whole = False
        self._header, self._headers, self._value = bytearray(), bytearray(), bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": lambda data, start, end: self._add(
                    self._header, data[start:end]
                ),
                "on_header_value": self._on_header_value,
                "on_header_end": self._header.clear,
                "on_part_data": lambda data, start, end: self._add(self._value, data[start:end]),
                "on_part_end": self._on_part_end,
            },
        )

    def feed(self, piece: bytes) -> bool:
        """Takes the next piece; False when it is none of such a body."""
        try:
            self._parser.write(piece)
        except MultipartParseError:
            return False
        return True

    @property
    def name(self) -> str:
        _, options = parse_options_header(bytes(self._headers))
        return options.get(b"name", b"").decode("latin-1")

    @property
    def value(self) -> str:
        return self._value.decode("latin-1")

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._add(self._headers, data[start:end])

    def _on_part_end(self) -> None:
        self.is_whole = True

    def _add(self, kept: bytearray, data: bytes) -> None:
        if not self.is_whole and len(kept) < _PEEK_BYTES:
            kept += data
