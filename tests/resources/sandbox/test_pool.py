"""Workers: what they cannot do, what is told of their death, and that none is left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from resources.kernel.errors import ConnectorUnavailableError, InputError
from resources.sandbox.limits import MB, SandboxLimits
from resources.sandbox.pool import SandboxPool
from resources.sandbox.program import SandboxProgram
from resources.sandbox.ranges import BytesSource
from resources.sandbox.refusals import SandboxRefusedError

PROGRAM = SandboxProgram("tests.resources.sandbox.naughty", "tests")
LIMITS = SandboxLimits(memory_bytes=64 * MB, cpu_seconds=1, seconds=200, answer_bytes=MB)
SOURCE = BytesSource(b"abc", "a")


@pytest.fixture(scope="module")
def pool():
    with SandboxPool(PROGRAM, LIMITS, 1, SandboxRefusedError) as opened:
        yield opened


def ask(pool, handler, options="", source=SOURCE, read_bytes=MB):
    return list(pool.ask(handler, "", [source], options.encode(), read_bytes))


def refused(pool, handler, options="", **how):
    with pytest.raises(SandboxRefusedError) as caught:
        ask(pool, handler, options, **how)
    return caught.value.facts["rule"], caught.value.message


def refusal(pool, handler, options="", **how):
    return refused(pool, handler, options, **how)[1]


def pid(pool):
    return int(ask(pool, "pid")[0])


def is_gone(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False


KNOWS_LANDLOCK = sys.platform == "linux" and ctypes.CDLL(None).syscall(444, None, 0, 1) > 0
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="what the kernel of Linux refuses")
with_landlock = pytest.mark.skipif(not KNOWS_LANDLOCK, reason="this kernel does not know Landlock")


@on_linux
@pytest.mark.parametrize(
    "action",
    [
        "make a file", "overwrite", "remove", "rename", "make a folder", "internet", "early thread", "unix socket", "program", "fork",
        "kill", "raise the limit", *(pytest.param(name, marks=with_landlock) for name in ("read", "list", "parent's memory")),
    ],
)  # fmt: skip
def test_what_a_parser_has_no_need_of_is_refused(pool, action, tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("untouched")
    told = ask(pool, "act", f"{action}|{tmp_path if action == 'list' else path}")[0].decode()
    assert any(word in told for word in ("Permission", "not permitted", "not allowed")), told
    assert path.read_text() == "untouched"
    assert [one.name for one in tmp_path.iterdir()] == ["secret.txt"]


@pytest.mark.parametrize("action", ["thread", "python module"])
def test_what_it_needs_is_not(pool, action):
    assert ask(pool, "act", action) == [b""]


@with_landlock
def test_all_ways_of_confinement_hold_here(pool):
    ask(pool, "pid")
    assert pool.confinement == ["limits", "landlock", "seccomp"]


def test_no_credential_and_no_open_file_reaches_a_worker(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    with (
        (tmp_path / "open").open("w"),
        SandboxPool(PROGRAM, LIMITS, 1, SandboxRefusedError) as pool,
    ):
        told = ask(pool, "surroundings")[0].decode()
    assert "canary" not in told
    assert "PATH" not in told.replace("LD_LIBRARY_PATH", "")
    _, descriptors, folder = eval(told)
    assert (len(descriptors), descriptors[:3], folder) == (4, [0, 1, 2], "/")


@pytest.mark.parametrize(
    ("handler", "rule", "told"),
    [
        ("spin", "over_time", "took more than 1 s of processor time"),
        ("crash", "died", "was ended by signal SIGSEGV"),
        ("exit", "died", "ended with exit code 3"),
        ("hunger", "over_memory", "needs more than 67,108,864 bytes of memory"),
        ("garbage", "died", "sent what is no answer"),
        ("wrong message", "died", "sent what is no answer"),
        ("flood", "died", "sent what is no answer"),
    ],
)
def test_its_death_is_an_error_of_the_file_that_says_why(pool, handler, rule, told):
    before = pid(pool)
    assert refused(pool, handler) == (rule, f"It cannot be read: the parser {told}")
    assert is_gone(before)
    assert pid(pool) != before


def test_one_that_takes_too_long_is_ended():
    with SandboxPool(PROGRAM, SandboxLimits(seconds=0.2), 1, SandboxRefusedError) as pool:
        assert refused(pool, "sleep") == (
            "over_time",
            "It cannot be read: the parser took more than 0.2 s",
        )


@pytest.mark.parametrize(
    ("handler", "rule", "told"),
    [
        ("deep", "too_deep", "it is nested too deep"),
        ("mistake", "unreadable", "list index out of range"),
    ],
)
def test_an_exception_is_an_answer_and_the_worker_goes_on(pool, handler, rule, told):
    before = pid(pool)
    assert refused(pool, handler) == (rule, told)
    assert pid(pool) == before


def test_one_worker_answers_many_files(pool):
    assert len({pid(pool) for _ in range(200)}) == 1


def test_a_file_is_judged_by_a_new_worker_when_a_used_one_dies(pool):
    """The worker before dies once of its own history; the file itself is harmless."""
    before = pid(pool)
    os.kill(before, signal.SIGKILL)
    assert ask(pool, "echo") == [b"abc"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_whole_group_is_not_blamed_on_a_file(pool, number):
    before = pid(pool)
    os.kill(before, number)
    assert pid(pool) == before


class Failing(BytesSource):
    """A source that breaks off behind its first bytes."""

    def read_range(self, start, length):
        if start:
            raise ConnectorUnavailableError("cut off")
        return super().read_range(start, length)


@pytest.mark.parametrize("handler", ["echo", "swallow"])
def test_an_error_of_the_source_is_passed_on_whatever_the_parser_makes_of_it(pool, handler):
    before = pid(pool)
    with pytest.raises(ConnectorUnavailableError, match="cut off"):
        ask(pool, handler, source=Failing(bytes(MB), "a"))
    assert pid(pool) == before


def test_more_bytes_than_allowed_are_not_read(pool):
    told = refused(pool, "echo", source=BytesSource(bytes(2 * MB), "a"), read_bytes=MB)
    expected = "It cannot be read: more than 1,048,576 bytes of it would be needed"
    assert told == ("over_reading", expected)


def test_many_small_requests_count_too(pool):
    """16 KB each at least: 64 of them are a megabyte."""
    told = refusal(pool, "nibble", source=BytesSource(bytes(MB), "a"), read_bytes=MB)
    assert told.endswith("of it would be needed")


def test_a_range_larger_than_any_parser_asks_for_is_no_question(pool):
    told = refusal(pool, "gulp", source=BytesSource(bytes(8 * MB), "a"), read_bytes=8 * MB)
    assert told == "It cannot be read: the parser sent what is no answer"


def test_bytes_come_whole_whatever_their_number(pool):
    data = bytes(range(251)) * 3000
    assert ask(pool, "echo", source=BytesSource(data, "a")) == [data]


def test_whoever_stops_taking_answers_ends_the_worker(pool):
    before = pid(pool)
    answers = pool.ask("several", "", [SOURCE], b"", MB)
    assert next(answers) == b"0"
    answers.close()
    assert is_gone(before)


def test_threads_ask_at_once():
    told = []
    with SandboxPool(PROGRAM, LIMITS, 2, SandboxRefusedError) as pool:
        threads = [
            threading.Thread(target=lambda: told.extend(ask(pool, "pid") for _ in range(20)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(told) == 80
    assert 1 <= len({one[0] for one in told}) <= 2


def test_closing_ends_those_at_work_too():
    with SandboxPool(PROGRAM, SandboxLimits(), 1, SandboxRefusedError) as pool:
        number, errors = pid(pool), []

        def wait():
            try:
                ask(pool, "sleep")
            except InputError as error:
                errors.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        while not pool._working:
            time.sleep(0.01)
    thread.join(20)
    assert is_gone(number)
    assert errors


PARENT = """
import sys, os
sys.path.insert(0, {root!r})
from resources.sandbox.ranges import BytesSource
from resources.sandbox.limits import SandboxLimits
from resources.sandbox.pool import SandboxPool
from resources.sandbox.program import SandboxProgram
from resources.sandbox.refusals import SandboxRefusedError
with SandboxPool(SandboxProgram({program!r}, "tests"), SandboxLimits(), 1, SandboxRefusedError) as pool:
    source = [BytesSource(b"abc", "a")]
    print(next(pool.ask("pid", "", source, b"", 100)).decode(), flush=True)
    list(pool.ask({handler!r}, "", source, b"", 100))
"""


@pytest.mark.kill
@pytest.mark.parametrize("handler", ["spin", "sleep"])
def test_a_killed_parent_leaves_no_process(handler):
    root = Path(__file__).resolve().parents[3]
    code = PARENT.format(root=str(root), program=PROGRAM.module, handler=handler)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        number = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        while not _is_over(number):
            time.sleep(0.02)


def _is_over(number):
    """Whether it ended; who buries it may be slow."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
