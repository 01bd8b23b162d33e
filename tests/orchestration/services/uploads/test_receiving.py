"""Bytes from a connection onto the disk: whatever their number, memory holds a piece of them."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator

import pytest

from orchestration.services.home import Home
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.receiving import PIECE_BYTES, receive_form, receive_piece
from resources.kernel.errors import InputError, StorageError
from tests.faults import failing_at, run_forked

HEAD = (
    b'--b\r\nContent-Disposition: form-data; name="form_token"\r\n\r\nt\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
)
TAIL = b"\r\n--b--\r\n"
KIND = "multipart/form-data; boundary=b"
CHUNK = b"id,text\n" + b"1,xxxxxxxxxxxxxxxxxxxxxxx\n" * 2520  # 64 kB, as connections bring them


@pytest.fixture
def uploads(tmp_path):
    return IncomingUploads(Home(tmp_path, tmp_path / "dagster"), limit=10**12)


async def form_of(chunks: int, data: bytes = CHUNK) -> AsyncIterator[bytes]:
    yield HEAD
    for _ in range(chunks):
        yield data
    yield TAIL


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("way", ["form", "piece"])
def test_memory_does_not_grow_with_the_file(uploads, way):
    """300 MB; a fork's peak begins with what its parent had."""

    def receive(chunks: int) -> None:
        if way == "form":
            asyncio.run(receive_form(uploads, KIND, form_of(chunks), by="ada", project=""))
            return
        made = uploads.begin("a.csv", size_bytes=len(CHUNK) * chunks, by="ada")

        async def body() -> AsyncIterator[bytes]:
            for _ in range(chunks):
                yield CHUNK

        asyncio.run(receive_piece(uploads, made.upload_id, 0, body()))

    def grown() -> int:
        receive(100)
        before = peak_kb()
        receive(4_500)
        return peak_kb() - before

    outcome = run_forked(grown)
    assert outcome.status == 0
    assert outcome.answer < 20_000
    assert max(one.offset for one in uploads.all()) == 4_500 * len(CHUNK)


@pytest.mark.parametrize("cuts", [1, 7, 1000])
def test_a_form_is_read_wherever_its_pieces_are_cut(uploads, cuts):
    content = b"id\r\n--\r\n-- b\r\n--x\n"  # begins as the boundary does
    whole = HEAD + content + TAIL

    async def body() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), cuts):
            yield whole[start : start + cuts]

    found, fields = asyncio.run(receive_form(uploads, KIND, body(), by="ada", project="shop"))
    assert fields["form_token"] == "t"
    assert uploads.path(found.upload_id).read_bytes() == content


def test_a_disk_that_fills_up_leaves_nothing_of_a_form(uploads):

    error = OSError(28, "No space left on device")
    chunks = 3 * PIECE_BYTES // len(CHUNK)
    with failing_at([(os, "pwrite")], 2, error), pytest.raises(StorageError, match="No space"):
        asyncio.run(receive_form(uploads, KIND, form_of(chunks), by="ada", project=""))
    assert uploads.all() == []


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 999,
    ],
)
def test_what_is_no_form_is_refused(uploads, kind):
    with pytest.raises(InputError, match="no form"):
        asyncio.run(receive_form(uploads, kind, form_of(1), by="ada", project=""))


ONE_FILE = b'--b\r\nContent-Disposition: form-data; name="a"; filename="a.csv"\r\n\r\nid\r\n'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"--b--\r\n", "no file in the form"),
        (b"nonsense", "cannot be read|cut off"),
        (ONE_FILE, "cut off"),
        (b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1' + TAIL, "no file"),
        (ONE_FILE + ONE_FILE + b"--b--\r\n", "one file at a time"),
        (
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"x" * 70_000 + TAIL,
            "more than 64,000 bytes",
        ),
        (b"--b\r\n" + b"".join(b"x%d: y\r\n" % i for i in range(99)), "cannot be read"),
        (b"--b\r\nx: " + b"y" * 9_000, "cannot be read"),
        (
            b"".join(
                b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\n1\r\n' % i
                for i in range(99)
            ),
            "more than 50 fields",
        ),
    ],
)
def test_forms_that_are_none_are_refused_and_leave_nothing(uploads, body, message):
    async def sent() -> AsyncIterator[bytes]:
        yield body

    with pytest.raises(InputError, match=message):
        asyncio.run(receive_form(uploads, KIND, sent(), by="ada", project=""))
    assert uploads.all() == []
