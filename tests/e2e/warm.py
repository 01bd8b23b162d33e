"""Commands of Waybill as processes of their own, without what each start of Python costs: forked from one that is warm.

Each has its own environment, folder, arguments and files; what it shares with the others are the imported modules,
which take five seconds of CPU. Run as a program this is the warm process; it has one thread, so that it may fork.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

MODULES = ("orchestration.definitions", "orchestration.cli.main", "duckdb", "pyarrow.parquet")


class WarmCommands:
    """Runs commands one after the other.

    Args:
        environment: of the warm process; it decides where the code comes from.
        folder: where that finds nothing in its way.
        python: whose packages it has; those of this process if it is not given.
    """

    def __init__(
        self, environment: dict[str, str], folder: Path, python: Path | str = sys.executable
    ) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [str(python), "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def run(
        self, arguments: Sequence[str], environment: dict[str, str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """`waybill` with these arguments, in that environment and folder."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        files = [self._folder / "warm-out.txt", self._folder / "warm-err.txt"]
        asked = {
            "arguments": list(arguments),
            "environment": environment,
            "folder": str(folder),
            "files": [str(file) for file in files],
        }
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        status = int(self._process.stdout.readline())
        out, err = (file.read_text() for file in files)
        return subprocess.CompletedProcess(["waybill", *arguments], status, out, err)


def _serve() -> None:
    for name in MODULES:
        importlib.import_module(name)
    (waybill,) = importlib.metadata.entry_points(group="console_scripts", name="waybill")
    command = waybill.load()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(command, json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _become(command: Any, asked: dict[str, Any]) -> NoReturn:
    """The child: the command in a place of its own."""
    with open(os.devnull) as nothing:  # noqa: PTH123 - the folder is not the one it will be
        os.dup2(nothing.fileno(), 0)
    for number, file in enumerate(asked["files"], start=1):
        with open(file, "w") as out:  # noqa: PTH123
            os.dup2(out.fileno(), number)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["waybill", *asked["arguments"]]
    status: object = 0
    try:
        command()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - it must not go on as the warm process
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the end of libraries, whose threads a forked process does not have.
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    _serve()
