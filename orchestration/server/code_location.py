"""The process of one code location: loads its definitions once, then forks its code server and its runs.

Why so: what the web UI shows, what sensors evaluate and what runs execute are one and the same, until the
code is reloaded; a file that is half edited breaks nothing meanwhile. A run starts with everything imported and loaded, in a
tenth of the time that Dagster's own launcher needs, and shares the memory. A code server that dies is forked anew
within a moment. A reload is a new process beside this one, which stays until its own runs have ended.

    python -m orchestration.server.code_location PATH TARGET...

PATH is the common beginning of what belongs to this one: `PATH.sock` of the code server, `PATH.runs` of launchers.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from orchestration.kept_engines import keep_engines
from orchestration.location import instance_of_no_run
from orchestration.server import news
from orchestration.server.answering import Answering, answer
from orchestration.server.code_server import Address, serve
from orchestration.server.empty_run_files import keep_empty_file
from orchestration.server.execution import (
    Execution,
    Farewell,
    Obituary,
    become_worker,
    execute,
    report,
    say_farewell,
)
from orchestration.server.kept_scripts import read_scripts
from orchestration.server.loading import Definitions, Target, load
from orchestration.server.runner import Runner, Serving, Task
from orchestration.server.settings import INTERRUPTED_VARIABLE, Interrupted
from orchestration.server.threads import leave, name_process, settle_memory
from orchestration.services.home import open_home
from orchestration.services.instance import described_instance

# What runs and the question that starts them import late. A name that a later release drops only costs time.
LIBRARIES = (
    "dagster._core.instance.runs.run_domain",
    "dagster._core.system_config.composite_descent",
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
    "fsspec.implementations.local",
    "orchestration.project",
    "orchestration.server.launcher",
    "orchestration.services.instance",
    "orchestration.services.questions.import_task",
    "orchestration.services.questions.upload",
    "orchestration.services.snapshot_of_location",
    "pyarrow.csv",
    "pyarrow.parquet",
    "sqlglot.dialects.duckdb",
)
_NAMES: dict[type, str] = {
    Execution: "waybill-run",
    Serving: "waybill-server",
    Answering: "waybill-answer",
}
logger = logging.getLogger(__name__)


def preload() -> None:
    """Imports, reads and makes what runs and questions will need."""
    for name in LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError as error:  # a run that needs it will say so itself
            logger.warning("%s is not kept ready: %s", name, error)
    keep_engines()
    read_scripts()
    with suppress(Exception):  # what needs it says what is wrong
        keep_empty_file()
        instance_of_no_run()
        described_instance(open_home())


def address_of(path: Path) -> Address:
    """Where the code server of the process with this path answers."""
    location, _, _ = path.name.rpartition(".")
    return Address(
        path.with_name(f"{path.name}.sock"),
        path.with_name(f"{location}.sock"),
        path.with_name(f"{location}.reload"),
        path.with_name(f"{location}.failed"),
    )


def listen(path: Path) -> socket.socket:
    """Where launchers ask for runs."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{path}.runs")
    listener.listen(64)
    return listener


def tell(definitions: Definitions, *, anew: bool) -> None:
    """Says what loading came to, to the person who started the server."""
    location = definitions.target.location
    for line in definitions.problems:
        news.tell(line)
    if definitions.error is not None:
        news.tell(f"the code location {location!r} does not load: {definitions.reason}")
    elif anew:
        left_out = ", without what has a mistake" if definitions.problems else ""
        news.tell(f"the code of {location!r} was loaded anew{left_out}")


def main(arguments: Sequence[str]) -> int:
    """The process; its forks leave `Runner.serve` and end here too, with the code to exit with."""
    path, target = Path(arguments[0]), Target.parse(arguments[1:])
    address = address_of(path)
    # A reload asked for up to now gets what is read from now on; one asked for later may follow another edit.
    address.reload_file.unlink(missing_ok=True)
    definitions = load(target)
    preload()
    tell(definitions, anew=not path.name.endswith(".1"))
    options = [str(address.socket), str(address.link), str(address.reload_file)]
    options += [str(address.failure_file), *arguments[1:]]

    def spawn_code_server() -> int:
        command = [sys.executable, "-m", "orchestration.server.code_server", *options]
        return os.spawnv(os.P_NOWAIT, sys.executable, command)  # noqa: S606 - our own command line, no shell

    def spawn_answer(question: str, connection: socket.socket) -> int:
        descriptor = connection.fileno()
        command = [
            sys.executable,
            "-m",
            "orchestration.server.answering",
            question,
            str(descriptor),
        ]
        os.set_inheritable(descriptor, True)
        return os.spawnv(os.P_NOWAIT, sys.executable, [*command, *arguments[1:]])  # noqa: S606 - our own command line, no shell

    settle_memory()
    with listen(path) as listener:
        choice = Interrupted(os.environ.get(INTERRUPTED_VARIABLE, Interrupted.RESUME.value))
        task = Runner(
            listener,
            target.location,
            spawn_code_server,
            spawn_answer,
            can_execute=definitions.error is None,
            choice=choice,
        ).serve()
    return 0 if task is None else _do(task, definitions, address)


def _do(task: Task, definitions: Definitions, address: Address) -> int:
    become_worker()
    name_process(_NAMES.get(type(task), "waybill-report"))
    match task:
        case Execution():
            return execute(task, definitions)
        case Obituary():
            return report(task)
        case Farewell():
            return say_farewell(task)
        case Answering():
            return answer(task, definitions)
        case Serving():
            return serve(definitions, address, task.parent)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        code = main(sys.argv[1:])
    except Exception:
        logger.exception("the process ends")
        code = 1
    leave(code)
