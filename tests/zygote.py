"""A process that has imported what a code location needs, kept for all tests of this one: what they start is forked from it.

As `waybill up` has one of its own, which imports less: memory is what counts there, and here it is time. What it forks reads the
modules of `orchestration` anew, and the project's files, as a fresh process does.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import os
import socket
import sys
import tempfile
from pathlib import Path

from orchestration.server import code_location, zygote
from orchestration.server.forking import Program, Zygote
from orchestration.server.threads import THREADLESS_ENVIRONMENT, leave
from tests.volatile import forgo_the_disk

MODULES = ("orchestration.definitions",)


@functools.cache
def warm_zygote() -> Zygote:
    """The one of this process; it ends with it."""
    folder = tempfile.TemporaryDirectory(prefix="waybill-zygote-")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "WAYBILL"))}
    own = {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    warm = Zygote()
    warm._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with other:
        warm.process = Program(
            "waybill-zygote",
            [sys.executable, "-m", __name__, str(other.fileno())],
            Path(folder.name, "log.txt"),
            {**kept, **THREADLESS_ENVIRONMENT, **own},
            (other.fileno(),),
        ).spawn()
    warm._channel.setblocking(False)
    atexit.register(folder.cleanup)
    atexit.register(warm.close)
    return warm


def _serve(descriptor: int) -> None:
    for name in MODULES:
        importlib.import_module(name)
    code_location.preload()
    forgo_the_disk()
    zygote.main(socket.socket(fileno=descriptor))
    leave(0)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
