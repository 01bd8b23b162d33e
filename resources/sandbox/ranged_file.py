"""A file object of which every byte is asked for: what was read is kept, and reading on reads ahead.

Parsers read a few bytes here and there, or all in small steps. Blocks of 16 KB make one request of many small reads; each
request that goes on where the last one ended asks for twice as much as that one, up to 1 MB.
"""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from resources.sandbox.messages import MOST_RANGE

BLOCK_BYTES = 16 * 1024
_AHEAD_BLOCKS = 1
_MOST_AHEAD = MOST_RANGE // BLOCK_BYTES
_KEPT_BLOCKS = 1024


class RangedFile(io.RawIOBase):
    """A readable, seekable file.

    Args:
        name: what it is called.
        size: its bytes.
        head: its first bytes, which were read before; whole blocks of them are kept, and the end of a short file.
        fetch: reads `length` bytes from `start` on.
    """

    def __init__(
        self, name: str, size: int, head: bytes, fetch: Callable[[int, int], bytes]
    ) -> None:
        self.name = name
        self.size = size
        self.head = head
        self._fetch = fetch
        self._place = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._ahead = _AHEAD_BLOCKS
        self._keep(0, head)
        self._last = len(self._blocks)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves there; reading beyond the end gives nothing.

        Raises:
            ValueError: before the beginning.
        """
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("a place before the beginning of the file")
        self._place = start + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Reads from the one block that the place is in, or some that are at hand."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view) and self._place < self.size:
            number, skip = divmod(self._place, BLOCK_BYTES)
            part = self._block(number, len(view) - done)[skip:][: len(view) - done]
            view[done : done + len(part)] = part
            done += len(part)
            self._place += len(part)
        return done

    def _block(self, number: int, wanted: int) -> bytes:
        found = self._blocks.get(number)
        if found is None:
            self._load(number, wanted)
            found = self._blocks[number]
        self._blocks.move_to_end(number)
        return found

    def _load(self, first: int, wanted: int) -> None:
        self._ahead = min(self._ahead * 2, _MOST_AHEAD) if first == self._last else _AHEAD_BLOCKS
        count = max(self._ahead, min(-(-wanted // BLOCK_BYTES), _MOST_AHEAD))
        known = (n for n in range(first + 1, first + count) if n in self._blocks)
        count = next(known, first + count) - first
        start = first * BLOCK_BYTES
        length = min(count * BLOCK_BYTES, self.size - start)
        data = self._fetch(start, length)
        if len(data) != length:
            raise OSError(f"{len(data)} bytes came of {length} from {start} on")
        self._keep(first, data)
        self._last = first + count

    def _keep(self, first: int, data: bytes) -> None:
        for number in range(-(-len(data) // BLOCK_BYTES)):
            block = data[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
            whole = min(BLOCK_BYTES, self.size - (first + number) * BLOCK_BYTES)
            if len(block) == whole:
                self._blocks[first + number] = block
        while len(self._blocks) > _KEPT_BLOCKS:
            self._blocks.popitem(last=False)
