"""The order that the runner hands to a contender's process, as JSON. Standard library only: peers read it too."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Server:
    """How to reach the benchmark's PostgreSQL server."""

    host: str
    port: int
    database: str
    username: str
    password: str
    psql: str
    """Path of the `psql` program."""
    pid: int
    """The server's first process: its whole tree is metered."""

    def url(self, driver: str = "postgresql") -> str:
        """A database URL; `driver` may name an SQLAlchemy driver (`postgresql+psycopg`)."""
        return f"{driver}://{self.username}:{self.password}@{self.host}:{self.port}/{self.database}"

    def psql_command(self, *arguments: str) -> list[str]:
        """A `psql` call against this server; the password travels in `psql_environment`."""
        where = ["-h", self.host, "-p", str(self.port), "-U", self.username, "-d", self.database]
        return [self.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", *where, *arguments]

    def psql_environment(self) -> dict[str, str]:
        """What `psql_command` needs in its environment."""
        return {"PGPASSWORD": self.password, "PATH": "/usr/bin:/bin"}


@dataclass(frozen=True)
class Task:
    """One run of one contender."""

    entry: str
    """`module:function` of the contender."""
    rows: int
    threads: int
    csv: str
    parquet: str
    binary: str
    """The table as PostgreSQL's binary COPY file; empty when no server takes part."""
    store: str
    """Folder of the dataset store that holds `dataset`, for jobs that read one."""
    dataset: str
    table: str
    """The PostgreSQL table that is read, with `rows` rows."""
    target: str
    """The PostgreSQL table that is written."""
    out: str
    """Empty folder for what the job makes; removed after the run."""
    run_id: str
    server: Server | None = None
    objects: str = ""
    """Address of the bucket of small objects, for jobs that read it."""
    metered_pid: int = 0
    """The server's process that works for this run; 0: the PostgreSQL server's, if there is one."""

    def to_json(self) -> str:
        """The text that `from_json` reads."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, path: Path) -> Task:
        """Reads what `to_json` wrote."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        server = fields.pop("server")
        return cls(**fields, server=Server(**server) if server else None)

    def need_server(self) -> Server:
        """The server, for jobs that cannot be without.

        Raises:
            RuntimeError: the task came without one.
        """
        if self.server is None:
            raise RuntimeError(f"{self.entry} needs a PostgreSQL server")
        return self.server
