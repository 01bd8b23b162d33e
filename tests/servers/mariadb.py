"""A real MariaDB for tests: the machine's own, else Debian's packages unpacked into a cache; own data, loopback, a password.

Nothing is installed: `apt-get --download-only` finds the server and the libraries that the machine lacks, `dpkg-deb -x`
unpacks them. The cache is shared by all runs on a machine.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from resources.connectors.sql.config import SqlConfig
from tests.servers.certificates import make_certificates
from tests.servers.postgres import ServerUnavailableError, free_port, required_or_skipped

PACKAGE = "mariadb-server-core"
SUPERUSER = "waybill"
ONLOOKER = "onlooker"
"""May read everything; has the same password. Told apart from exporters in the list of sessions."""
START_SECONDS = 60
FETCH_SECONDS = 240

_ERROR_LOG = "server.log"


@dataclass(frozen=True)
class Binaries:
    """Where a MariaDB is: the folder that holds `bin`, `sbin` and `share`, and the libraries that came with it."""

    base: Path
    libraries: tuple[Path, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What a program of it needs."""
        found = ":".join(map(str, self.libraries))
        path = f"{self.base / 'bin'}:{os.environ.get('PATH', '')}"
        return {"PATH": path, "LD_LIBRARY_PATH": found, "LC_ALL": "C"}


def find_binaries() -> Binaries:
    """The machine's own MariaDB, else Debian's from the cache, which is filled when it is empty.

    Raises:
        ServerUnavailableError: there is none and none can be fetched.
    """
    if Path("/usr/sbin/mariadbd").exists() and Path("/usr/bin/mariadb-install-db").exists():
        return Binaries(Path("/usr"))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "waybill-tests"
    cache.mkdir(parents=True, exist_ok=True)
    home = cache / "mariadb"
    with (cache / "mariadb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes start at once: one of them fetches
        if not (home / "usr/sbin/mariadbd").exists():
            fresh = Path(tempfile.mkdtemp(prefix="mariadb-", dir=cache))
            try:
                _fetch(fresh)
                shutil.rmtree(home, ignore_errors=True)
                fresh.rename(home)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    folders = {path.parent for path in home.glob("**/lib*.so.*")}
    return Binaries(home / "usr", tuple(sorted(folders)))


def _fetch(folder: Path) -> None:
    archives = folder / "archives"
    (archives / "partial").mkdir(parents=True)
    command = ["apt-get", "install", "-y", "--no-install-recommends", "--download-only"]
    command += ["-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=1", PACKAGE]
    try:
        _run(command)
    except ServerUnavailableError:
        if os.getuid() != 0:
            raise
        _run(["apt-get", "update"])  # a fresh machine has no list of packages yet
        _run(command)
    for package in sorted(archives.glob("*.deb")):
        _run(["dpkg-deb", "-x", str(package), str(folder)])
    shutil.rmtree(archives)


def _run(command: Sequence[str], **options: Any) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS, **options
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerUnavailableError(f"{command[0]}: {error}") from error
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip())[-600:]
        raise ServerUnavailableError(f"{' '.join(command[:2])} failed: {words}")


@dataclass
class MariadbServer:
    """A MariaDB server of our own, with TLS.

    Attributes:
        port: TCP port on 127.0.0.1; kept over restarts.
        password: of the user `waybill`, who may do everything.
        ca_file: the authority that signed the server's certificate, which names `localhost` and 127.0.0.1.
    """

    root: Path
    settings: tuple[str, ...] = ()
    password: str = field(default_factory=lambda: f"pw-{secrets.token_hex(8)}")
    port: int = field(default_factory=free_port)
    host: str = "127.0.0.1"
    username: str = SUPERUSER

    def __post_init__(self) -> None:
        self.data = self.root / "data"
        self.binaries = find_binaries()
        self._process: subprocess.Popen[bytes] | None = None
        files = make_certificates(self.root)
        self.ca_file = files.ca
        self._tls = (f"--ssl-cert={files.certificate}", f"--ssl-key={files.key}")
        self._initialize()

    def config(self, database: str = "mysql", **changes: object) -> SqlConfig:
        """How to connect as the user who may do everything; `changes` replace single fields."""
        fields: dict[str, object] = {
            "dialect": "mariadb",
            "host": self.host,
            "port": self.port,
            "database": database,
            "username": self.username,
            "password": self.password,
        }
        return SqlConfig(**{**fields, **changes})  # type: ignore[arg-type]  # fields come by name

    def connect(self, database: str = "mysql", **options: Any) -> Any:
        """A plain connection in autocommit, in strict mode. Without TLS: reading the system's authorities takes 40 ms."""
        import pymysql

        given: dict[str, Any] = {"user": self.username, "password": self.password, **options}
        given.setdefault("ssl_disabled", not any(name.startswith("ssl") for name in options))
        return pymysql.connect(
            host=self.host,
            port=self.port,
            database=database,
            autocommit=True,
            charset="utf8mb4",
            connect_timeout=10,
            **given,
        )

    def execute(self, *statements: str, database: str = "mysql") -> list[tuple[Any, ...]]:
        """Runs statements as the user who may do everything, each committed; the rows of the last one."""
        rows: list[tuple[Any, ...]] = []
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                    rows = list(cursor.fetchall())
        finally:
            connection.close()
        return rows

    @contextmanager
    def database(self) -> Iterator[str]:
        """A database that did not exist before and does not afterwards."""
        name = f"t_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name}")

    @property
    def pid(self) -> int:
        """The running server's process."""
        if self._process is None:
            raise ServerUnavailableError("the server does not run")
        return self._process.pid

    def start(self) -> None:
        """Starts the server and waits until it answers.

        Raises:
            ServerUnavailableError: it does not; with the end of its log.
        """
        with (self.root / _ERROR_LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self.binaries.base / "sbin/mariadbd"),
                    *self._common(),
                    *(f"--port={self.port}", f"--bind-address={self.host}", "--skip-name-resolve"),
                    *(f"--socket={self.root / 'socket'}", f"--pid-file={self.root / 'pid'}"),
                    *("--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=128M"),
                    *("--innodb-log-file-size=64M", "--max-connections=80"),
                    *("--character-set-server=latin1", "--sql-mode=", "--default-time-zone=+03:00"),
                    *self._tls,
                    *self.settings,
                ],
                stdout=log,
                stderr=log,
                cwd=self.root,
                env=self.binaries.environment,
                start_new_session=True,
            )
        self._wait()

    def stop(self, *, immediate: bool = False) -> None:
        """Ends the server: in good order, or as a crash would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL if immediate else signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _common(self) -> list[str]:
        base = self.binaries.base
        options = ["--no-defaults", f"--basedir={base}", f"--datadir={self.data}"]
        options += [f"--lc-messages-dir={base / 'share/mysql'}", f"--tmpdir={self.root}"]
        return [*options, "--user=root"] if os.getuid() == 0 else options

    def _initialize(self) -> None:
        self.data.mkdir()
        base = self.binaries.base
        sql = [(base / "share/mysql" / name).read_text() for name in _SYSTEM_TABLES]
        user = f"'{self.username}'@'%'"
        sql += [
            "FLUSH PRIVILEGES;",
            f"CREATE USER {user} IDENTIFIED BY '{self.password}';",
            f"GRANT ALL PRIVILEGES ON *.* TO {user} WITH GRANT OPTION;",
            f"CREATE USER '{ONLOOKER}'@'%' IDENTIFIED BY '{self.password}';",
            f"GRANT SELECT ON *.* TO '{ONLOOKER}'@'%';",
        ]
        command = [str(base / "sbin/mariadbd"), *self._common(), "--bootstrap"]
        command += ["--innodb-log-file-size=64M", "--innodb-buffer-pool-size=32M"]
        text = "CREATE DATABASE mysql;\nUSE mysql;\n" + "\n".join(sql) + "\n"
        _run(command, input=text, env=self.binaries.environment, cwd=self.root)

    def _wait(self) -> None:
        import pymysql

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
            except pymysql.err.Error as error:
                exited = self._process is None or self._process.poll() is not None
                if exited or time.monotonic() > deadline:
                    log = (self.root / _ERROR_LOG).read_text(errors="replace")
                    self.stop(immediate=True)
                    raise ServerUnavailableError(
                        f"server did not start ({error}): {log[-800:]}"
                    ) from error
                time.sleep(0.05)
            else:
                return


_SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")


@contextmanager
def running_mariadb(*settings: str) -> Iterator[MariadbServer]:
    """A started server, stopped and removed at the end.

    Args:
        settings: further options of the server: `--local-infile=0`.

    Raises:
        ServerUnavailableError: there is no server to be had, or it does not run here.
    """
    root = Path(tempfile.mkdtemp(prefix="waybill-mariadb-"))
    try:
        server = MariadbServer(root, settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """A MariaDB server for this test process; see `required_or_skipped`."""
    with required_or_skipped(running_mariadb(), "MARIADB") as server:
        yield server


@pytest.fixture
def mariadb_config(mariadb_server: MariadbServer) -> Iterator[SqlConfig]:
    """A fresh, empty database for one test."""
    with mariadb_server.database() as name:
        yield mariadb_server.config(name)
