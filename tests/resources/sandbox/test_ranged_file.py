"""A file of which every byte is asked for: what it gives, and how little it asks for."""

from __future__ import annotations

import io
import random

import pytest

from resources.sandbox.limits import MB
from resources.sandbox.ranged_file import BLOCK_BYTES, RangedFile


def ranged(data, head=0):
    reads = []

    def fetch(start, length):
        reads.append((start, length))
        return data[start : start + length]

    return RangedFile("a", len(data), data[:head], fetch), reads


@pytest.mark.parametrize("head", [0, 100, 32 * 1024, 200_000])
def test_reading_anywhere_gives_what_a_file_gives(head):
    chosen = random.Random(1)
    data = chosen.randbytes(200_000)
    file, _ = ranged(data, head)
    plain = io.BytesIO(data)
    for _ in range(300):
        whence = chosen.choice((0, 0, 1, 2))
        by = chosen.randrange(-50, 210_000) if whence == 0 else chosen.randrange(-40_000, 100)
        if whence == 0:
            by = abs(by)
        elif (plain.tell() if whence == 1 else len(data)) + by < 0:
            continue
        length = chosen.choice((1, 10, 4096, 70_000, -1))
        assert file.seek(by, whence) == plain.seek(by, whence)
        assert file.read(length) == plain.read(length)


def test_reading_on_reads_ahead_and_reading_again_reads_nothing():
    file, reads = ranged(bytes(4 * MB))
    while file.read(1000):
        pass
    assert len(reads) <= 12
    assert sum(length for _, length in reads) == 4 * MB
    before = len(reads)
    file.seek(0)
    file.read(4 * MB)
    assert len(reads) == before


def test_a_look_here_and_there_reads_little():
    file, reads = ranged(bytes(4 * MB))
    for place in range(0, 4 * MB, MB):
        file.seek(place)
        file.read(8)
    assert [length for _, length in reads] == [2 * BLOCK_BYTES, *[BLOCK_BYTES] * 3]


def test_a_place_that_gives_less_than_it_said_is_an_error():
    file = RangedFile("a", 100, b"", lambda start, length: b"short")
    with pytest.raises(OSError, match="5 bytes came of 100"):
        file.read(10)
