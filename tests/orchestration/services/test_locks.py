"""Locks die with their process."""

import os
import subprocess
import sys

import pytest

from orchestration.services.locks import hold, is_held, read_note


def test_one_holds_and_the_others_see_it(tmp_path):
    lock = tmp_path / "a.lock"
    with hold(lock, note="http://127.0.0.1:3000") as mine:
        assert mine
        assert is_held(lock)
        assert read_note(lock) == "http://127.0.0.1:3000"
        with hold(lock, note="other") as theirs:
            assert not theirs
        assert read_note(lock) == "http://127.0.0.1:3000"
    assert not is_held(lock)


def test_a_lock_that_never_was_is_not_held(tmp_path):
    assert not is_held(tmp_path / "none.lock")
    assert read_note(tmp_path / "none.lock") == ""
    assert not (tmp_path / "none.lock").exists()


def test_a_shorter_note_replaces_a_longer_one(tmp_path):
    lock = tmp_path / "a.lock"
    for note in ("a long note", "short"):
        with hold(lock, note=note):
            assert read_note(lock) == note


def test_a_killed_holder_lets_go(tmp_path):
    lock = tmp_path / "a.lock"
    code = (
        "import os, signal, sys; from pathlib import Path; from orchestration.services.locks import hold\n"
        f"with hold(Path({str(lock)!r})) as mine:\n"
        "    print(mine, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "True\n"
    assert is_held(lock)
    process.kill()
    process.communicate()
    assert not is_held(lock)


def test_a_file_that_a_tag_names_is_looked_at_and_left_as_it_is(tmp_path):
    precious = tmp_path / "authorized_keys"
    precious.write_text("ssh-ed25519 AAAA")
    assert not is_held(precious)
    assert precious.read_text() == "ssh-ed25519 AAAA"


@pytest.mark.parametrize("name", ["link", "pipe", "nothing", "\0"])
def test_what_can_be_no_lock_is_not_held_and_nobody_waits_for_it(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    assert not is_held(tmp_path / name)
    assert not (tmp_path / "nothing").exists()
