"""The `.env` of a project: read before a command as Dagster's own commands read it, and told where data is kept.

Dagster reads it from the folder that it is started in, and takes it before the environment; `${NAME:-default}` in it
takes the environment first. It so needs `DAGSTER_HOME` there to record runs where `waybill up` shows them.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from orchestration.services.home import Home, open_home, warnings_of
from resources.home import waybill_home
from resources.kernel.errors import ConfigError, StorageError
from resources.project import ProjectFolders, find_project

NAME = ".env"
_HEAD = "# Where this machine keeps data and runs; yours to change. Variables that are set already count more.\n"


def take_env_file() -> None:
    """Puts what the project's `.env` says into the environment; without a project or file nothing happens."""
    try:
        file = find_project().root / NAME
    except ConfigError:
        return  # the command says so, if it needs one
    if not file.is_file():
        return
    from dotenv import dotenv_values

    values = {key: value for key, value in dotenv_values(file).items() if value is not None}
    named = os.environ.get("WAYBILL_HOME") and not os.environ.get("DAGSTER_HOME")
    if named and _is_default(file, "DAGSTER_HOME"):
        del values["DAGSTER_HOME"]  # it is below the home folder that was named
    if home := values.get("WAYBILL_HOME"):  # the same one from every folder of the project
        values["WAYBILL_HOME"] = str(file.parent / Path(home).expanduser())
    os.environ.update(values)


def take_variables(project: ProjectFolders) -> None:
    """Puts what a project's `.env` says into the environment, for a process that serves it beside other projects.

    Where the home folder is, and all else that is of the server as a whole, was settled when that was started.
    """
    file = project.root / NAME
    if file.is_file():
        from dotenv import dotenv_values

        given = {key: value for key, value in dotenv_values(file).items() if value is not None}
        os.environ.update({key: value for key, value in given.items() if not _is_server(key)})


def _is_server(name: str) -> bool:
    return name == "DAGSTER_HOME" or (name.startswith("WAYBILL_") and name != "WAYBILL_STORE")


def add_home(root: Path, home: Home) -> list[str]:
    """Has the `.env` of the project in `root` say where its home folder is.

    Returns:
        The names of the variables that were added; those that it has stay as they are.

    Raises:
        ConfigError: the path has characters that the file cannot hold.
        StorageError: the file cannot be written.
    """
    from dotenv import dotenv_values

    file = root / NAME
    wanted = {"WAYBILL_HOME": home.root, "DAGSTER_HOME": home.dagster}
    try:
        known = dotenv_values(file) if file.is_file() else {}
        missing = [name for name in wanted if name not in known]
        if not missing:
            return []
        before = file.read_text(encoding="utf-8") if file.is_file() else ""
        head = before + ("" if not before or before.endswith("\n") else "\n") + _HEAD
        lines = [_default(file, name, str(wanted[name])) for name in missing]
        _replace(file, head + "".join(lines))
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror}") from error
    return missing


def set_up_home() -> None:
    """Makes the home folder of the project at hand, names it in `.env` and says where it is: what `./run setup` needs."""
    project = find_project()
    take_env_file()
    for text in warnings_of(waybill_home(), project):
        print(f"run: warning: {text}", file=sys.stderr)  # noqa: T201 - this is where it speaks
    home = open_home()
    if add_home(project.root, home):
        print(f"run: data and runs are kept in {home.root}; .env names it", file=sys.stderr)  # noqa: T201 - as above


def _default(file: Path, name: str, value: str) -> str:
    """The line that gives a variable unless the environment does."""
    text = f"${{{name}:-{value}}}"
    if re.search(r"""[\s#'"\\]""", value):
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if any(
        mark in value for mark in ("}", "${", "\n", "\r")
    ):  # the first `}` would end the default
        raise ConfigError(
            f"{file} cannot hold the path {value!r}",
            hint=f"Set {name} to a folder without braces and line ends in its name",
        )
    return f"{name}={text}\n"


def _is_default(file: Path, name: str) -> bool:
    """Whether the file gives the variable only where nothing else does."""
    from dotenv import dotenv_values

    return (dotenv_values(file, interpolate=False).get(name) or "").startswith(f"${{{name}:-")


def _replace(file: Path, text: str) -> None:
    """Whole or not at all; what is new is the user's alone, as it will hold secrets."""
    scratch = file.with_name(f"{file.name}.{os.getpid()}")
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    scratch.touch(mode=mode)
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(file)
