"""Which code locations to serve: `workspace.yaml` read, and rewritten to point at shared code servers.

Left to itself the web UI would start code servers of its own, which fork no runs. With these links in the file it
follows whichever process of a location is the newest.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.server.settings import RUNNERS_VARIABLE
from resources.kernel.errors import ConfigError
from resources.scratch import prefix_of

SIZE_LIMIT_BYTES = 1_000_000  # T36


@dataclass(frozen=True)
class CodeServer:
    """A code location that gets a server of its own, shared by all processes that need it."""

    location: str
    folder: Path
    target: tuple[str, ...]
    """How Dagster's command line names the code: `("--module-name", "orchestration.definitions")`."""

    @property
    def path(self) -> Path:
        """What the names of its sockets begin with: links to those of its newest process."""
        return self.folder / f"code-{hashlib.sha256(self.location.encode()).hexdigest()[:8]}"

    @property
    def socket(self) -> Path:
        """Where the web UI and the daemon ask."""
        return Path(f"{self.path}.sock")

    @property
    def failure_file(self) -> Path:
        """Why the last reload failed, as long as it is the last."""
        return Path(f"{self.path}.failed")

    def path_of(self, generation: int) -> Path:
        """The same for the process that was started as the n-th."""
        return Path(f"{self.path}.{generation}")

    def command(self, generation: int) -> list[str]:
        """The command that serves it until it is ended."""
        start = [sys.executable, "-m", "orchestration.server.code_location"]
        name = ["--location-name", self.location]
        return [*start, str(self.path_of(generation)), *name, *self.target]


def runner_socket(folder: Path, location: str) -> Path:
    """Where launchers ask for runs of a code location."""
    return Path(f"{CodeServer(location, folder, ()).path}.runs")


def is_own_socket(path: str) -> bool:
    """Whether `path` lies in the folder of a server of this user, be it this one or one that has gone."""
    given = Path(path)
    folder = given.parent
    if not given.is_absolute() or ".." in given.parts:
        return False
    if str(folder) == os.path.realpath(os.environ.get(RUNNERS_VARIABLE, os.devnull)):
        return True
    temporary = os.path.realpath(tempfile.gettempdir())
    if str(folder.parent) != temporary or not folder.name.startswith(prefix_of("server")):
        return False
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return True  # one that has gone
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


@dataclass(frozen=True)
class Workspace:
    """What is served, and the file that says so to the web UI and the daemon."""

    servers: tuple[CodeServer, ...]
    file: Path


def plan_workspace(source: Path, folder: Path) -> Workspace:
    """Reads `source`, writes `workspace.yaml` into `folder`, where the sockets will be too.

    Entries that name a module or a file get a code server; others (a server that runs already) stay as they are.

    Raises:
        ConfigError: `source` is no workspace file.
    """
    servers: list[CodeServer] = []
    entries: list[Any] = []
    for entry in _read_entries(source):
        server = _code_server(entry, source, folder)
        if server is None:
            entries.append(entry)
            continue
        servers.append(server)
        endpoint = {"socket": str(server.socket), "location_name": server.location}
        entries.append({"grpc_server": endpoint})
    target = folder / "workspace.yaml"
    target.write_text(yaml.safe_dump({"load_from": entries}), encoding="utf-8")
    return Workspace(tuple(servers), target)


def _read_entries(source: Path) -> list[Any]:
    try:
        if source.stat().st_size > SIZE_LIMIT_BYTES:
            raise ConfigError(f"{source} is larger than {SIZE_LIMIT_BYTES} bytes")
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"the workspace file {source} cannot be read: {reason}") from error
    entries = content.get("load_from") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ConfigError(
            f"the workspace file {source} names no code location",
            hint="It needs `load_from:` with at least one entry, for instance"
            " `- python_module: orchestration.definitions`",
        )
    return entries


def _code_server(entry: Any, source: Path, run_folder: Path) -> CodeServer | None:
    options = {"python_module": "--module-name", "python_file": "--python-file"}
    if not isinstance(entry, dict) or len(entry) != 1:
        return None
    kind, value = next(iter(entry.items()))
    if kind not in options:
        return None
    field = {"python_module": "module_name", "python_file": "relative_path"}[kind]
    facts = value if isinstance(value, dict) else {field: value}
    code = facts.get(field)
    if not isinstance(code, str) or "executable_path" in facts:
        return None
    base = source.resolve().parent
    folder = base / str(facts.get("working_directory") or ".")
    target = [options[kind], str(base / code) if kind == "python_file" else code]
    target += ["--working-directory", str(folder)]
    if facts.get("attribute"):
        target += ["--attribute", str(facts["attribute"])]
    return CodeServer(str(facts.get("location_name") or code), run_folder, tuple(target))
