"""Processes that the zygote forks: like fresh ones, but for the memory that they share."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.server.forking import Forked, Program, Zygote
from orchestration.server.news import NewsReader
from tests.orchestration.server.runs import wait_until


@pytest.fixture(scope="module")
def zygote(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zygote")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_UI_PASSWORD", "canary-4711")
        zygote = Zygote.start(folder / "zygote.log", {"PYTHONSAFEPATH": "1"})
    yield zygote
    zygote.close()


@pytest.fixture
def program(tmp_path):
    """A program that executes a line of Python; its output is in a log."""

    def make(code: str, descriptors: tuple[int, ...] = ()) -> Program:
        command = [sys.executable, "-m", "timeit", "-n", "1", "-r", "1", code]
        return Program("a-name", command, tmp_path / "log", {"ONLY": "this"}, descriptors)

    return make


def ended(process) -> int:
    wait_until(lambda: process.poll() is not None)
    return process.poll()


def test_it_has_its_environment_name_log_and_session(zygote, program):
    made = program(
        "import os; print(dict(os.environ), open('/proc/self/comm').read(), os.getsid(0))"
    )
    process = zygote.launch(made)
    assert isinstance(process, Forked)
    assert ended(process) == 0
    said = made.log.read_text()
    assert said.startswith("{'ONLY': 'this'} a-name")
    assert str(process.pid) in said


def test_it_shares_what_dagster_takes(zygote, program):
    made = program("import sys; print('dagster' in sys.modules, 'orchestration' in sys.modules)")
    assert ended(zygote.launch(made)) == 0
    assert made.log.read_text().startswith("True False")


def test_it_knows_no_password(zygote):
    assert b"canary" not in Path(f"/proc/{zygote.process.pid}/environ").read_bytes()


def test_it_inherits_what_it_is_given_and_nothing_else(zygote, program):
    read, write = os.pipe()
    try:
        code = f"import os; os.write({write}, b'here'); print(sorted(os.listdir('/proc/self/fd')))"
        made = program(code, (write,))
        assert ended(zygote.launch(made)) == 0
        assert os.read(read, 10) == b"here"
    finally:
        os.close(read)
        os.close(write)
    # 0, 1, 2, the pipe and the folder that is being listed
    assert len(made.log.read_text().split("]")[0].split(",")) == 5


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["json.tool", "--unknown"], 2), (["timeit", "1 / 0"], 1), (["no.such.module"], 1)],
    ids=["a code", "an error", "nothing to run"],
)
def test_its_end_is_known(zygote, tmp_path, arguments, expected):
    log = tmp_path / "log"
    program = Program("a-name", [sys.executable, "-m", *arguments], log, {})
    assert ended(zygote.launch(program)) == expected
    assert log.read_text()


def test_it_can_be_stopped(zygote, program):
    process = zygote.launch(program("import time; time.sleep(600)"))
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    assert ended(process) == -signal.SIGKILL


def test_without_the_zygote_it_is_a_fresh_process_and_what_was_forked_goes_on(tmp_path, program):
    zygote = Zygote.start(tmp_path / "zygote.log", {})
    forked = zygote.launch(program("import time; time.sleep(600)"))
    assert isinstance(forked, Forked)
    zygote.process.kill()
    zygote.process.wait()
    fresh = zygote.launch(program("1"))
    assert isinstance(fresh, subprocess.Popen)
    assert ended(fresh) == 0
    assert forked.poll() is None
    forked.terminate()
    zygote.close()


def test_news_are_read_line_by_line(tmp_path):
    path = tmp_path / "news.txt"
    reader = NewsReader(path)
    assert reader.read() == []
    path.write_text("one\ntw")
    assert reader.read() == ["one"]
    path.write_text("one\ntwo\n")
    assert reader.read() == ["two"]
    assert reader.read() == []
