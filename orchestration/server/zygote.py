"""A process that imports Dagster once and forks the server's other processes, which so share those pages.

**What holds.** What it forks is as if newly started: it reads the project's code as it is then. The zygote imports nothing of
this project but this file and `threads`, and knows no password.

**Why.** Each of them would otherwise hold some 100 MB of its own of the same modules, and take a second or two to import them.
Its threads are counted before each fork, and where there is one it declines: a lock held by a thread would be held forever
in the fork.

**When it is lost.** When the zygote declines or dies, the supervisor starts the others as fresh processes, which take longer
and share nothing. It outlives its owner only as long as it has children to wait for.

**What it costs.** One more process; its pages are shared as long as they are not written to.

    python -m orchestration.server.zygote CHANNEL_FD
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestration.server.threads import leave, name_process, other_threads, settle_memory

# What the web UI and code locations both import. What only one of them needs it imports itself: here its pages would
# lie twice in memory as soon as it writes into them, and Python writes into whatever it uses.
# A name that a later release drops only costs memory.
LIBRARIES = (
    "dagster",
    "dagster._api.get_server_id",
    "dagster._api.list_repositories",
    "dagster._api.snapshot_repository",
    "dagster._api.snapshot_sensor",
    "dagster._core.instance.factory",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.migration.utils",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.workspace.context",
    "dagster._grpc.client",
    "dagster._grpc.server",
    "dagster._grpc.server_watcher",
    "dagster.components",
    "fsspec.implementations.local",
    "jinja2",
    "msgspec",
    "pandas",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "sqlglot.dialects.duckdb",
    "upath.implementations.local",
)
MESSAGE_LIMIT_BYTES = 1_000_000
READY = {"ready": True}


def main(channel: socket.socket) -> None:
    """Forks what it is asked for until the channel closes; then stays as long as it has children to bury."""
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)
    settle_memory()
    wake_read, wake_write = socket.socketpair()
    for end in (wake_read, wake_write):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake_write.fileno())
    _send(channel, READY)
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        has_owner, has_children = True, False
        while has_owner or has_children:
            for key, _ in selector.select():
                if key.fileobj is wake_read:
                    wake_read.recv(4096)
                elif not _answer(channel):
                    has_owner = False
                    selector.unregister(channel)
            has_children = _bury(channel)


def _bury(channel: socket.socket) -> bool:
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            with suppress(OSError):  # the owner has gone
                _send(channel, {"dead": found[0], "code": os.waitstatus_to_exitcode(found[1])})
    except ChildProcessError:
        return False
    return True


def _answer(channel: socket.socket) -> bool:
    message, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_LIMIT_BYTES, 8)
    if not message:
        return False
    pid = None if other_threads() else os.fork()
    if pid == 0:
        channel.close()
        _become(json.loads(message), descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    _send(channel, {"pid": pid})
    return True


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    channel.send(json.dumps(message).encode())


def _become(request: dict[str, Any], descriptors: Iterable[int]) -> None:
    code = 1
    try:
        _set_up(request, list(descriptors))
        sys.argv = [request["module"], *request["arguments"]]
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")  # as the interpreter would
    except BaseException:  # noqa: BLE001 - the last place where it can be seen
        traceback.print_exc()
    finally:
        leave(code)


def _set_up(request: dict[str, Any], descriptors: list[int]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    name_process(request["name"])
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    moved = {1: log, 2: log, **dict(zip(request["descriptors"], descriptors, strict=True))}
    for wanted, given in moved.items():
        if wanted != given:
            os.dup2(given, wanted)
        os.set_inheritable(wanted, True)
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor not in {0, *moved}:
            with suppress(OSError):  # the one that listed them
                os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    for name in [name for name in sys.modules if name.split(".")[0] == "orchestration"]:
        del sys.modules[name]  # read anew: it may have changed since


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
    leave(0)
