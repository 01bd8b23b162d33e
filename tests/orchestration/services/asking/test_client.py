"""Questions to the process of a code location: answered, cut off, hung up on, taking too long or too much."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from orchestration.server.workspace import runner_socket
from orchestration.services.access.actor import Actor
from orchestration.services.asking.client import Asker
from orchestration.services.asking.question import Question, Streamed
from resources.kernel.errors import (
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    StorageError,
    UnknownNameError,
    WaybillError,
)
from tests.served import served, wait_until

# A project's own Python is loaded in the process that answers: it brings questions of its own along.
PROBE = """
import os
import sys
import time
from pathlib import Path
from types import ModuleType

from orchestration.services.asking.question import Question, Streamed
from resources.kernel.errors import InputError, UnknownNameError

FOLDER = Path(os.environ["PROBE_FOLDER"])


def who(desk, greeting):
    desk.tell({"project": desk.project})
    return {"greeting": greeting, "actor": desk.actor.name, "role": desk.actor.role, "pid": os.getpid()}


class OwnError(InputError):
    pass


def fail(desk, how):
    if how == "named":
        raise UnknownNameError("connector", "lak", ["lake"])
    if how == "own":
        raise OwnError("it is no number", hint="Give one", rule="number")
    raise RuntimeError("a driver broke")


def hang(desk):
    (FOLDER / "pid").write_text(str(os.getpid()))
    time.sleep(600)


def eat(desk):
    return len(bytearray(3_000_000_000))


def stream(desk, size, dies=False):
    (FOLDER / "pid").write_text(str(os.getpid()))

    def chunks():
        for number in range(size):
            yield bytes([number % 256]) * 100_000
            if dies and number == 5:
                os.kill(os.getpid(), 9)

    return Streamed({"size": size * 100_000}, chunks())


module = ModuleType("orchestration.services.questions.probe")
module.QUESTIONS = (
    Question("probe.who", who, dict),
    Question("probe.fail", fail, dict),
    Question("probe.hang", hang, dict, seconds=1),
    Question("probe.wait", hang, dict),
    Question("probe.eat", eat, int, memory_bytes=2_000_000_000),
    Question("probe.stream", stream, Streamed),
)
sys.modules[module.__name__] = module
if os.environ.get("PROBE_THREAD"):
    import threading

    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""
WHO = Question("probe.who", None, dict)
FAIL = Question("probe.fail", None, dict)
HANG = Question("probe.hang", None, dict, seconds=1)
WAIT = Question("probe.wait", None, dict)
EAT = Question("probe.eat", None, int)
STREAM = Question("probe.stream", None, Streamed)


def start(folder, **variables):
    return served(folder, {"probe.py": PROBE}, variables={"PROBE_FOLDER": str(folder), **variables})


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    with start(folder) as found:
        found.folder = folder
        yield found


@pytest.fixture
def asker(shop):
    (shop.folder / "pid").unlink(missing_ok=True)
    return asker_of(shop)


def asker_of(shop) -> Asker:
    folder = shop.location.server.path.parent
    return Asker(runner_socket(folder, shop.name), Actor("ada"))


def ask(asker, question, **arguments):
    return asyncio.run(asker.ask(question, **arguments))


def pid_of(shop) -> int:
    file = shop.folder / "pid"
    wait_until(lambda: file.exists() and file.read_text())
    return int(file.read_text())


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_an_answer_says_who_asked_and_what_happened_meanwhile(asker):
    told = []
    found = asyncio.run(asker.ask(WHO, tell=told.append, greeting="“hej”\n"))
    assert (found["greeting"], found["actor"], found["role"]) == ("“hej”\n", "ada", "admin")
    assert told == [{"project": "shop"}]
    wait_until(lambda: is_gone(found["pid"]))


def test_an_error_arrives_as_it_was_raised(asker):
    with pytest.raises(UnknownNameError, match="unknown connector 'lak'") as caught:
        ask(asker, FAIL, how="named")
    assert caught.value.hint == "Known: lake. Did you mean 'lake'?"
    assert caught.value.facts["known"] == ["lake"]


def test_an_error_of_a_class_of_its_own_arrives_as_what_it_is_a_kind_of(asker):
    with pytest.raises(InputError, match="it is no number") as caught:
        ask(asker, FAIL, how="own")
    assert (caught.value.hint, caught.value.facts) == ("Give one", {"rule": "number"})


def test_an_error_of_others_is_told_in_a_line(asker):
    with pytest.raises(WaybillError, match="RuntimeError: a driver broke"):
        ask(asker, FAIL, how="by a driver")


def test_no_such_question(asker):
    for name in ("probe.nothing", "nobody.asks", "os.system", "..secret.x"):
        with pytest.raises(NotFoundError, match="there is no question"):
            ask(asker, Question(name, None, dict))


def test_what_takes_too_long_is_ended(shop, asker):
    with pytest.raises(InputError, match=r"longer than 1 s"):
        ask(asker, HANG)
    wait_until(lambda: is_gone(pid_of(shop)))


def test_what_needs_too_much_memory_is_ended(asker):
    with pytest.raises((InputError, StorageError), match="more than 2 GB of memory"):
        ask(asker, EAT)


def test_hanging_up_ends_the_process(shop, asker):
    async def hang_up():
        task = asyncio.create_task(asker.ask(WAIT))
        await asyncio.to_thread(pid_of, shop)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(hang_up())
    wait_until(lambda: is_gone(pid_of(shop)))


def test_bytes_arrive_whole_and_in_order(asker):
    async def read():
        async with asker.stream(STREAM, dict, size=50) as stream:
            return stream.head, b"".join([chunk async for chunk in stream.chunks])

    head, data = asyncio.run(read())
    assert head == {"size": len(data)}
    assert data == b"".join(bytes([number]) * 100_000 for number in range(50))


def test_bytes_that_are_cut_off_do_not_look_whole(asker):
    async def read():
        got = 0
        async with asker.stream(STREAM, dict, size=50, dies=True) as stream:
            async for chunk in stream.chunks:
                got += len(chunk)
        return got

    with pytest.raises(ConnectorUnavailableError, match="before all was sent"):
        asyncio.run(read())


def test_reading_no_further_ends_the_process(shop, asker):
    async def read_one():
        async with asker.stream(STREAM, dict, size=1_000_000) as stream:
            return await anext(stream.chunks)

    assert len(asyncio.run(read_one())) == 100_000
    wait_until(lambda: is_gone(pid_of(shop)))


def test_many_at_once_are_told_to_come_again(shop, asker):
    async def ask_many():
        tasks = [asyncio.create_task(asker.ask(WAIT)) for _ in range(26)]
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return [task.exception() for task in done]

    refused = asyncio.run(ask_many())
    assert all(isinstance(error, ConnectorUnavailableError) for error in refused)
    assert "being answered already" in str(refused[0])
    # The places are free again: the next is answered.
    wait_until(lambda: answers(asker))


def answers(asker) -> bool:
    try:
        return bool(ask(asker, WHO, greeting="again"))
    except ConnectorUnavailableError:
        return False


def test_a_process_that_has_gone_is_told(shop):
    nowhere = Asker(shop.folder / "nothing.sock", Actor("ada"))
    with pytest.raises(ConnectorUnavailableError, match="does not run"):
        ask(nowhere, WHO, greeting="")


def test_code_that_keeps_threads_is_asked_in_a_fresh_process(tmp_path):
    with start(tmp_path, PROBE_THREAD="1") as shop:
        found = ask(asker_of(shop), WHO, greeting="hej")
        assert found["actor"] == "ada"
