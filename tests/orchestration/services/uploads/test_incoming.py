"""Files received in pieces: what holds when senders lie, stop half-way, come twice at once, or a process is killed."""

import errno
import hashlib
import os
import shutil
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.services.home import Home
from orchestration.services.uploads import hashing, limits
from orchestration.services.uploads.incoming import IncomingUploads
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    InputError,
    NotFoundError,
    StorageError,
)
from tests.faults import Child, count_steps, kill_at, run_forked, wait_until

DATA = b"id,amount\n1,2.50\n2,10.25\n"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path, tmp_path / "dagster")


@pytest.fixture
def uploads(home):
    return IncomingUploads(home, limit=1000)


def begin(uploads, name="day.csv", size: int | None = len(DATA)) -> str:
    return uploads.begin(name, size_bytes=size, by="ada").upload_id


def send(uploads, upload_id: str, offset: int, data: bytes) -> None:
    with uploads.writer(upload_id, offset) as writer:
        writer.write(data)


def test_a_file_comes_in_pieces_and_is_whole_at_the_end(uploads):
    upload_id = begin(uploads)
    for offset in range(0, len(DATA), 7):
        send(uploads, upload_id, offset, DATA[offset : offset + 7])
    with pytest.raises(ConflictError, match="have come"):
        uploads.path(upload_id)
    found = uploads.finish(upload_id)
    assert (found.is_received, found.offset, found.problem) == (True, len(DATA), "")
    assert uploads.path(upload_id).read_bytes() == DATA
    assert uploads.finish(upload_id) == found  # again is harmless


def test_a_piece_from_elsewhere_is_refused_and_says_where_it_stands(uploads):
    upload_id = begin(uploads)
    send(uploads, upload_id, 0, DATA[:5])
    for offset in (0, 4, 6, 10**12):
        with pytest.raises(ConflictError) as caught, uploads.writer(upload_id, offset):
            pass
        assert caught.value.facts["offset"] == 5


@pytest.mark.parametrize(
    ("size", "data", "message"),
    [
        (5, b"123456", "than the 5 that were announced"),
        (None, b"x" * 1001, "more than 1,000 bytes"),
    ],
    ids=["longer than announced", "endless"],
)
def test_more_bytes_than_may_come_are_not_written(uploads, size, data, message):
    upload_id = begin(uploads, size=size)
    with pytest.raises(InputError, match=message), uploads.writer(upload_id, 0) as writer:
        writer.write(data)
    assert uploads.state(upload_id).offset == 0


def test_what_is_too_large_is_refused_before_a_byte_is_sent(uploads):
    with pytest.raises(InputError, match=r"more than 1,000 bytes.*WAYBILL_UPLOAD_LIMIT"):
        begin(uploads, size=1001)
    assert uploads.all() == []


def test_a_file_for_which_there_is_no_room_is_refused(uploads, monkeypatch):
    free = limits.RESERVE_BYTES + 900
    usage = shutil._ntuple_diskusage(10**12, 0, free)
    monkeypatch.setattr(limits.shutil, "disk_usage", lambda _folder: usage)
    begin(uploads, size=600)
    with pytest.raises(StorageError, match="no room"):
        begin(uploads, size=400)  # what is announced already will be written too


def test_missing_bytes_are_told_at_the_end(uploads):
    upload_id = begin(uploads)
    send(uploads, upload_id, 0, DATA[:5])
    with pytest.raises(ConflictError, match=f"5 of {len(DATA)} bytes"):
        uploads.finish(upload_id)


def test_two_writers_at_once_take_turns(uploads):
    upload_id = begin(uploads)
    with uploads.writer(upload_id, 0) as writer:
        writer.write(DATA[:5])

        def other() -> str:
            try:
                with uploads.writer(upload_id, 5):
                    return "let in"
            except ConflictError as error:
                return str(error.facts.get("locked"))

        assert run_forked(other).answer == "True"
        with pytest.raises(ConflictError, match="another request"):
            uploads.finish(upload_id)


def test_a_writer_that_is_killed_leaves_what_came_and_no_lock(uploads, tmp_path):
    upload_id = begin(uploads)
    mark = tmp_path / "mark"

    def body() -> None:
        with uploads.writer(upload_id, 0) as writer:
            writer.write(DATA[:5])
            mark.touch()
            signal.pause()

    child = Child(body)
    wait_until(mark.exists)
    child.kill()
    child.wait()
    assert uploads.state(upload_id).offset == 5
    send(uploads, upload_id, 5, DATA[5:])
    assert uploads.finish(upload_id).is_received


@pytest.mark.parametrize("fails", [False, True])
def test_the_disk_writes_a_file_while_it_comes(uploads, monkeypatch, fails):
    monkeypatch.setattr(hashing, "_BEHIND_BYTES", 10)
    before, synced = threading.active_count(), []

    def fdatasync(descriptor):
        synced.append(os.fstat(descriptor).st_size)
        if fails:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    made = uploads.begin("a.csv", size_bytes=60, by="ada")
    for offset in range(0, 60, 6):
        with uploads.writer(made.upload_id, offset) as writer:
            writer.write(b"id\n12\n")
            writer.hashed.take([b"id\n12\n"])
        while threading.active_count() > before:
            time.sleep(0.001)
    assert synced == ([12] if fails else [12, 24, 36, 48, 60])
    if not fails:
        whole = uploads.finish(made.upload_id)
        assert whole.sha256 == hashlib.sha256(b"id\n12\n" * 10).hexdigest()
        return
    with pytest.raises(StorageError, match="Input/output error"):
        uploads.finish(made.upload_id)
    with pytest.raises(ConflictError, match="0 of 60 bytes have come"):  # it is sent anew
        uploads.finish(made.upload_id)


def test_the_next_piece_does_not_wait_for_the_disk(uploads, monkeypatch):
    monkeypatch.setattr(hashing, "_BEHIND_BYTES", 10)
    may_end, synced = threading.Event(), []

    def fdatasync(descriptor):
        assert may_end.wait(60)
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    made = uploads.begin("a.csv", size_bytes=36, by="ada")
    for offset in range(0, 36, 12):
        with uploads.writer(made.upload_id, offset) as writer:
            writer.write(b"id\n12\n3456\n\n")
            writer.hashed.take([b"id\n12\n3456\n\n"])
    assert synced == []
    may_end.set()
    assert uploads.finish(made.upload_id).is_received
    assert synced == [36]


def test_a_piece_can_be_taken_back(uploads):
    upload_id = begin(uploads)
    send(uploads, upload_id, 0, DATA[:5])
    with uploads.writer(upload_id, 5) as writer:
        writer.write(b"wrong")
        writer.take_back()
    assert uploads.state(upload_id).offset == 5


@pytest.mark.kill
def test_killed_at_every_step_a_file_is_whole_or_still_on_its_way(home):
    steps = [(Path, "mkdir"), (Path, "touch"), (Path, "replace"), (Path, "rename"), (os, "pwrite")]
    IncomingUploads(home)._make()
    IncomingUploads(home).expire(now=True)

    def body() -> None:
        uploads = IncomingUploads(home)
        upload_id = begin(uploads)
        send(uploads, upload_id, 0, DATA)
        uploads.finish(upload_id)

    names = count_steps(body, steps)
    assert len(names) >= 10
    for step in range(len(names)):
        assert kill_at(body, steps, step).killed, names[step]
    uploads = IncomingUploads(home)
    for found in uploads.all():
        if not found.is_received:
            send(uploads, found.upload_id, found.offset, DATA[found.offset :])
            uploads.finish(found.upload_id)
        assert uploads.path(found.upload_id).read_bytes() == DATA


@pytest.mark.parametrize("upload_id", ["../x", "", "a" * 32, "A" * 32, "/etc", "..%2f", "0" * 31])
def test_an_id_is_never_a_path(uploads, upload_id):
    begin(uploads)
    for act in (uploads.state, uploads.cancel, uploads.finish, uploads.path):
        with pytest.raises(NotFoundError):
            act(upload_id)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\ada\\day.csv", "day.csv"),
        ("day\r\nSet-Cookie: x.csv", "day Set-Cookie: x.csv"),
        ("\x1b[31mred\u202e.csv", "[31mred .csv"),
        ("<script>alert(1)</script>.csv", "script>.csv"),
        (".hidden.csv", "hidden.csv"),
        ("x" * 300 + ".csv.gz", "x" * 160 + ".csv.gz"),
    ],
)
def test_names_are_shown_without_what_could_do_harm(uploads, given, shown):
    upload_id = begin(uploads, name=given)
    assert uploads.state(upload_id).filename == shown


@pytest.mark.parametrize("name", ["", "/", "..", "\x00\x01", "..."])
def test_what_is_no_name_is_refused(uploads, name):
    with pytest.raises(InputError, match="no name of a file"):
        begin(uploads, name=name)


def test_what_nobody_went_on_with_for_a_day_goes(uploads, tmp_path, monkeypatch):
    old, young = begin(uploads), begin(uploads)
    (folder,) = (tmp_path / "incoming").rglob(old)
    days = 2 * 86_400
    for path in (*folder.iterdir(), folder):
        os.utime(path, (time.time() - days, time.time() - days))
    (folder / "import.json").touch()  # its import was asked for: not even then
    os.utime(folder, (time.time() - days, time.time() - days))
    assert uploads.expire(now=True) == 0
    (folder / "import.json").unlink()
    os.utime(folder, (time.time() - days, time.time() - days))
    assert uploads.expire(now=True) == 1
    assert [one.upload_id for one in uploads.all()] == [young]
    found = uploads.state(young)
    assert timedelta(hours=23) < found.expires_at - found.created_at < timedelta(hours=25)


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("x.parquet", DATA, "is no Parquet file"),
        ("x.csv.gz", DATA, "is not packed with gzip"),
        ("x.zip", DATA, "is no ZIP archive"),
        ("x.csv", b"", "File x.csv is empty"),
        ("x.csv", b"%PDF-1.4", "a PDF"),
        ("x.csv", b"<html><body>", "a web page"),
        ("x.xlsx", DATA, "is no workbook"),
        ("x.dat", DATA, ""),
        ("x.csv", b"\x1f\x8b\x08", ""),
    ],
)
def test_what_is_wrong_with_the_first_bytes_is_told_when_it_is_whole(uploads, name, data, problem):
    upload_id = begin(uploads, name=name, size=None)
    send(uploads, upload_id, 0, data)
    found = uploads.finish(upload_id, size_bytes=len(data)).problem
    assert problem in found if problem else found == ""


def test_the_limit_comes_from_the_environment(home, monkeypatch):
    for text, size in (("5GB", 5 * 10**9), ("500 MB", 5 * 10**8), ("1.5G", 15 * 10**8), ("70", 70)):
        monkeypatch.setenv(limits.VARIABLE, text)
        assert IncomingUploads(home).limit == size
    for text in ("much", "-1", "0", "5PB", "9" * 30 + "X"):
        monkeypatch.setenv(limits.VARIABLE, text)
        with pytest.raises(Exception, match="is no size"):
            limits.upload_limit()


def test_announced_again_with_the_same_key_it_is_the_same_file(uploads):
    def announce(name="day.csv", by="ada", key="k", project="shop"):
        return uploads.begin(name, size_bytes=len(DATA), by=by, project=project, key=key)

    first = announce().upload_id
    send(uploads, first, 0, DATA[:5])
    assert (announce().upload_id, announce().offset) == (first, 5)
    send(uploads, first, 5, DATA[5:])
    uploads.finish(first)
    assert announce().is_received
    others = [announce(by="olga"), announce(project="other"), announce(key="l")]
    assert len({first, *(one.upload_id for one in others)}) == 4
    with pytest.raises(ConflictError, match="same key"):
        announce("night.csv")
    uploads.cancel(first)
    assert announce().offset == 0


@pytest.mark.kill
def test_killed_while_it_is_announced_it_is_announced_by_the_next_try(home):
    steps = [(Path, "mkdir"), (Path, "touch"), (Path, "replace"), (Path, "rename")]

    def body() -> None:
        IncomingUploads(home).begin("day.csv", size_bytes=5, by="ada", key="k")

    names = count_steps(body, steps)
    for step in range(len(names)):
        shutil.rmtree(home.root / "incoming")
        assert kill_at(body, steps, step).killed, names[step]
        body()
        (found,) = IncomingUploads(home).all()
        assert (found.filename, found.offset) == ("day.csv", 0)


def test_parts_of_a_table_are_those_of_its_sender(uploads):
    def whole(by: str, **note: str) -> str:
        made = uploads.begin("a.csv", size_bytes=0, by=by, note=note)
        return uploads.finish(made.upload_id).upload_id

    first, second = (whole("ada", part_of="set") for _ in range(2))
    whole("olga", part_of="set")
    uploads.begin("a.csv", size_bytes=5, by="ada", note={"part_of": "set"})  # not whole yet
    assert (uploads.parts(first), uploads.parts(second)) == ([second], [first])
    alone = whole("ada")
    by_id = whole("ada", part_of=alone)
    assert uploads.parts(alone) == [by_id]


def test_a_user_has_so_many_files_there_and_no_more(home, uploads, monkeypatch):
    monkeypatch.setenv("WAYBILL_UPLOAD_FILES", "3")
    first = begin(uploads)
    send(uploads, first, 0, DATA)
    uploads.finish(first)
    begin(uploads)
    begin(uploads)
    with pytest.raises(ConflictError, match="3 files of yours"):
        begin(uploads)
    assert uploads.begin("day.csv", size_bytes=1, by="bob").by == "bob"
    uploads.forget_bytes(first)  # imported: what is known of it stays, and does not count
    begin(uploads)
    monkeypatch.setenv("WAYBILL_UPLOAD_FILES", "many")
    with pytest.raises(ConfigError, match="WAYBILL_UPLOAD_FILES"):
        begin(uploads)
