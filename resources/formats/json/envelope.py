"""Records under a key: `{"meta": {...}, "data": {"items": [{...}, ...]}}`, as programs that answer over HTTP write them.

The way to the records is searched token by token, so what stands before and behind them is never held whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from resources.kernel.errors import ParseError

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_LONGEST_TOKEN = 16 * 1024 * 1024

Path = tuple[str, ...]


class EnvelopeScanner:
    """Where a scan of an envelope stands: the keys that lead to where it is."""

    def __init__(self) -> None:
        self._stack: list[str | None] = []
        """For each open bracket the key of the member that is being read; None within an array."""
        self._expects_key = False
        self.begun = False

    @property
    def is_open(self) -> bool:
        """Whether some bracket is not closed yet."""
        return bool(self._stack)

    def step(self, token: bytes) -> Path | None:
        """Takes a token in; the path of an array that it opens, if only objects lead there."""
        if token in (b"{", b"["):
            opened = self._path() if token == b"[" and None not in self._stack else None
            self._stack.append("" if token == b"{" else None)
            self._expects_key, self.begun = token == b"{", True
            return opened
        if token in (b"}", b"]"):
            self.close()
        elif token == b",":
            self._expects_key = bool(self._stack) and self._stack[-1] is not None
        elif self._expects_key and token.startswith(b'"'):
            self._stack[-1] = _text(token)
            self._expects_key = False
        return None

    def close(self) -> None:
        """One bracket less."""
        if self._stack:
            self._stack.pop()
        self._expects_key = False

    def _path(self) -> Path:
        return tuple(key or "" for key in self._stack)


def _text(token: bytes) -> str:
    try:
        return msgspec.json.decode(token, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return token.decode(errors="replace")


def suggest_path(head: bytes) -> str:
    """The path of the first array of objects in an object, as `records:` takes it; empty if there is none."""
    scanner, found = EnvelopeScanner(), ""
    for match in _TOKEN.finditer(head):
        if found and match[0] == b"{":
            return found
        path = scanner.step(match[0])
        found = ".".join(path) if path else ""
        if scanner.begun and not scanner.is_open:
            break
    return ""


class RecordsSeeker:
    """Gives out the bytes of the arrays at one path, one stretch of blocks for each."""

    def __init__(self, path: str, file: str, blocks: Iterator[bytes]) -> None:
        self._path: Path = tuple(path.split("."))
        self._shown = path
        self._file = file
        self._blocks = blocks
        self._scanner = EnvelopeScanner()
        self._waiting = b""
        self.line = 1
        """On which `waiting` begins."""

    def seek(self) -> bool:
        """Goes on to the next array of records; whether there is one.

        Raises:
            ParseError: the file ends within an object.
        """
        while True:
            if self._scan():
                return True
            block = next(self._blocks, None)
            if block is None:
                break
            self._waiting += block
        if self._scanner.is_open or self._waiting.strip():
            raise self._error(
                "the file ends before its object does", "It is cut off: send it again"
            )
        return False

    def _scan(self) -> bool:
        """Looks at all whole tokens that are there; whether the last one opens an array of records."""
        end = 0
        for match in _TOKEN.finditer(self._waiting):
            if match.end() == len(self._waiting) and match[0] not in b"{}[]:,":
                break  # it may go on in the next block
            if self._waiting[end : match.start()].strip():
                break  # a text that does not end here
            end = match.end()
            if self._scanner.step(match[0]) == self._path:
                self._drop(end - 1)
                return True
        self._drop(end)
        if len(self._waiting) > _LONGEST_TOKEN:
            raise self._error(
                "a text of more than 16 MB beside the records", "Send the records alone"
            )
        return False

    def take(self) -> Iterator[bytes]:
        """What follows from the bracket on; `give_back` what belongs to it no more."""
        waiting, self._waiting = self._waiting, b""
        yield waiting
        for block in self._blocks:  # noqa: UP028 - `yield from` would end the blocks with this generator
            yield block

    def give_back(self, rest: bytes, line: int) -> None:
        """Goes on behind the array."""
        self._scanner.close()
        self._waiting, self.line = rest, line

    def missing(self) -> ParseError:
        """The error about a file without the path."""
        return self._error(
            f"it has no array under {self._shown!r}", "Correct `records:` in the options"
        )

    def _drop(self, size: int) -> None:
        self.line += self._waiting.count(b"\n", 0, size)
        self._waiting = self._waiting[size:]

    def _error(self, reason: str, hint: str) -> ParseError:
        return ParseError(reason, file=self._file, line=self.line, hint=hint)
