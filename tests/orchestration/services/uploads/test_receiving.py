"""Bytes from a connection onto the disk: whatever their number, memory holds a piece of them."""

import asyncio
import hashlib
import os
import resource
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from starlette.requests import ClientDisconnect

from orchestration.services.home import Home
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.receiving import (
    PIECE_BYTES,
    receive_files,
    receive_form,
    receive_piece,
)
from resources.kernel.errors import InputError, StorageError
from resources.stores.stamps import stamp_of
from tests.faults import failing_at, kill_at, run_forked

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


def form_file(name, data):
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + data + b"\r\n"


DATA_FIELD = b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"x": 1}\r\n'


async def cut_every(size: int, whole: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


@pytest.mark.parametrize("cuts", [1, 7, 1000])
def test_files_of_one_form_come_each_by_itself(uploads, cuts):
    """A file that begins otherwise than its name says comes too: it is one of many, and told later."""
    contents = {"a.pdf": b"%PDF-1.4\r\n--", "b.png": b"no picture", "c.txt": b"", "d.json": b"x"}
    files = b"".join(form_file(name, data) for name, data in contents.items())
    body = files[:20] + files[20:] + DATA_FIELD + b"--b--\r\n"
    found, fields = asyncio.run(
        receive_files(uploads, KIND, cut_every(cuts, body), by="ada", project="shop")
    )
    assert fields == {"data": '{"x": 1}'}
    assert {one.filename: uploads.path(one.upload_id).read_bytes() for one in found} == contents
    assert [one.sha256 for one in found] == [
        hashlib.sha256(data).hexdigest() for data in contents.values()
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"".join(form_file(f"{n}.txt", b"x") for n in range(4)) + b"--b--\r\n",
            "may have 3 files",
        ),
        (form_file("a.txt", b"x") + form_file("b.txt", b"y"), "cut off"),
        (form_file("a.txt", b"x") + form_file("..", b"y") + b"--b--\r\n", "no name"),
    ],
)
def test_nothing_stays_of_files_of_a_form_that_is_none(uploads, body, message):
    with pytest.raises(InputError, match=message):
        asyncio.run(
            receive_files(uploads, KIND, cut_every(50, body), by="ada", project="shop", most=3)
        )
    assert uploads.all() == []


def received(uploads, upload_id, data, *, offset=0, checksum=None, cut=False):
    """Sends a piece in 64 kB, as connections bring them; `cut`: the connection ends with it."""

    async def body() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 65_536):
            yield data[start : start + 65_536]
        if cut:
            raise ClientDisconnect

    with suppress(ClientDisconnect, InputError, StorageError):
        asyncio.run(receive_piece(uploads, upload_id, offset, body(), checksum=checksum))


DATA = b"id,text\n" + os.urandom(3 * PIECE_BYTES)
HALF = PIECE_BYTES + 12_345


@pytest.fixture
def begun(uploads):
    return uploads.begin("a.csv", size_bytes=len(DATA), by="ada").upload_id


def whole(uploads, upload_id):
    """The hash that is known of a file that came, and whether its bytes are those that were sent."""
    found = uploads.finish(upload_id)
    assert uploads.path(upload_id).read_bytes() == DATA
    assert found.stamp == (stamp_of(uploads.path(upload_id).stat()) if found.sha256 else "")
    assert found.sha256 in ("", hashlib.sha256(DATA).hexdigest())
    return bool(found.sha256)


def test_a_file_is_hashed_while_it_comes(uploads, begun):
    received(uploads, begun, DATA)
    assert whole(uploads, begun)
    found, _ = asyncio.run(receive_form(uploads, KIND, form_of(40), by="ada", project=""))
    assert found.sha256 == hashlib.sha256(CHUNK * 40).hexdigest()
    assert uploads.state(found.upload_id).sha256 == found.sha256


@pytest.mark.parametrize("cut", [False, True])
def test_the_hash_goes_on_with_the_next_piece(uploads, begun, cut):
    other = uploads.begin("b.csv", size_bytes=len(DATA), by="bob").upload_id
    received(uploads, begun, DATA[:HALF], cut=cut)
    received(uploads, other, DATA[:7])
    received(uploads, begun, DATA[HALF:], offset=HALF)
    received(uploads, other, DATA[7:], offset=7)
    assert (whole(uploads, begun), whole(uploads, other)) == (True, True)


@pytest.mark.parametrize("wrong", ["checksum", "too long", "disk"])
def test_a_piece_that_is_taken_back_leaves_the_hash_as_it_was(uploads, begun, wrong):
    received(uploads, begun, DATA[:HALF])
    if wrong == "checksum":
        received(uploads, begun, DATA[:HALF], offset=HALF, checksum=("md5", b"other"))
    elif wrong == "too long":
        received(uploads, begun, DATA, offset=HALF)
    else:
        full = OSError(28, "No space left on device")
        with failing_at([(os, "pwrite")], 1, full):
            received(uploads, begun, DATA[HALF:], offset=HALF)
    assert uploads.state(begun).offset == HALF
    received(uploads, begun, DATA[HALF:], offset=HALF)
    assert whole(uploads, begun)


@pytest.mark.parametrize("gap", ["another process", "another writer", "changed", "killed"])
def test_of_bytes_that_did_not_come_this_way_no_hash_is_told(uploads, begun, gap):
    if gap == "another process":
        assert run_forked(lambda: received(uploads, begun, DATA[:HALF])).status == 0
    elif gap == "killed":
        kill_at(lambda: received(uploads, begun, DATA), [(os, "pwrite")], 18)
    else:
        received(uploads, begun, DATA[:HALF])
    stands = uploads.state(begun).offset
    if gap == "another writer":
        with uploads.writer(begun, stands) as writer:
            writer.write(DATA[stands : stands + 9])
    elif gap == "changed":
        os.utime(uploads._find(begun) / "bytes", (1, 1))
    stands = uploads.state(begun).offset
    assert 0 < stands < len(DATA)
    received(uploads, begun, DATA[stands:], offset=stands)
    assert not whole(uploads, begun)


def test_who_is_cancelled_closes_the_file_after_the_last_write(uploads, begun):
    """Else a thread would go on writing to a descriptor that is another file's by now."""
    writes = threading.Event()
    real = os.pwrite

    def slow(descriptor, data, offset):
        writes.set()
        time.sleep(0.05)
        return real(descriptor, data, offset)

    async def cancelled() -> None:
        async def body() -> AsyncIterator[bytes]:
            yield DATA[:PIECE_BYTES]

        doing = asyncio.create_task(receive_piece(uploads, begun, 0, body()))
        await asyncio.to_thread(writes.wait, 30)
        doing.cancel()
        await asyncio.sleep(0)
        doing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doing
        assert uploads.state(begun).offset == PIECE_BYTES

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "pwrite", slow)
        asyncio.run(cancelled())
    received(uploads, begun, DATA[PIECE_BYTES:], offset=PIECE_BYTES)
    whole(uploads, begun)


@pytest.mark.parametrize(("count", "most"), [(50, {}), (60, {"most_fields": 60})])
def test_a_form_has_as_many_fields_as_its_reader_takes(uploads, count, most):
    def sent(fields):
        head = '--b\r\nContent-Disposition: form-data; name="f{}"\r\n\r\n{}\r\n'
        body = "".join(head.format(n, n) for n in range(fields)).encode() + b"--b--\r\n"
        whole = cut_every(1000, body)
        return asyncio.run(receive_files(uploads, KIND, whole, by="ada", project="shop", **most))

    assert sent(count) == ([], {f"f{n}": str(n) for n in range(count)})
    with pytest.raises(InputError, match=f"more than {count} fields"):
        sent(count + 1)
