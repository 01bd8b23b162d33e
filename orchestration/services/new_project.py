"""A project of one's own, made: files of `orchestration/templates`, with the project's name and where Waybill comes from.

Nothing that exists is changed. What would be in the way is named before anything is written, and again after a half-made
attempt: files that are there as they would be made count as made.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata, util
from importlib import resources as package_files
from importlib.resources.abc import Traversable
from pathlib import Path

from orchestration.services.env_file import NAME as ENV_FILE
from orchestration.services.env_file import add_home
from orchestration.services.home import open_home, warnings_of
from resources.home import waybill_home
from resources.kernel.errors import ConfigError, ConflictError, StorageError
from resources.project import ProjectFolders, read_project, use_project

EXAMPLES = ("orders", "demo", "none")
_OPTIONAL = ("README.md", ".gitignore", ".env.example")
"""Kept where a repository has its own."""
_LAST = Path("pyproject.toml")
_DOTTED = {"gitignore": ".gitignore", "env.example": ".env.example"}
_OURS = ("assets", "resources", "orchestration", "waybill", "tests")


@dataclass
class WrittenFiles:
    """What became of each file, in order."""

    root: Path
    home: Path
    made: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What is to be made.

    Args:
        root: the project's folder.
        name: its name, as distributions are named.
        package: its own Python package.
        example: what stands in `defs/` at first.
        requirement: how its `pyproject.toml` names Waybill.
        note: the comment beside it.
    """

    root: Path
    name: str
    package: str
    example: str
    requirement: str
    note: str

    def fill(self, text: str) -> str:
        """A template's text or path with the names of this project."""
        words = {
            "PROJECT_NAME": self.name,
            "PACKAGE": self.package,
            "WAYBILL_REQUIREMENT": self.requirement,
            "WAYBILL_NOTE": self.note,
        }
        return re.sub("|".join(words), lambda found: words[found[0]], text)

    def files(self) -> Iterator[tuple[Path, str]]:
        """Each file, below the project's folder."""
        templates = package_files.files("orchestration").joinpath("templates")
        for path, text in _read(templates / "project"):
            first, *rest = path.parts
            place = Path(self.package if first == "package" else _DOTTED.get(first, first), *rest)
            yield place, self.fill(text)
        for path, text in self._example(templates):
            yield Path(self.package, "defs") / path, text

    def _example(self, templates: Traversable) -> Iterator[tuple[Path, str]]:
        if self.example == "orders":
            yield from _read(templates / "orders" / "defs")
        if self.example == "demo":
            demo = package_files.files("orchestration.defs") / "flight_delays"
            yield from _read(demo, Path("flight_delays"))


def folder_of(text: str) -> Path:
    """The folder that was named.

    Raises:
        ConfigError: none was, as by a variable of a script that is not set: that would be the current folder.
    """
    if not text.strip():
        raise ConfigError("no folder was named", hint="Write `.` for the current folder")
    return Path(text)


def plan_project(
    folder: Path, *, name: str = "", example: str = "orders", requirement: str = ""
) -> Plan:
    """What `make_project` would make.

    Args:
        folder: the project's folder; it need not be there.
        name: the project's name, the folder's by default.
        example: one of `EXAMPLES`.
        requirement: how to name Waybill as a dependency; the same as it was installed from by default.

    Raises:
        ConfigError: a name that no package can have, an unknown example.
    """
    root = (
        folder.expanduser().resolve()
    )  # as Python names the current folder later: the home folder knows its project
    existing = read_project(root)
    if example not in EXAMPLES:
        raise ConfigError(f"there is no example {example!r}", hint=f"Known: {', '.join(EXAMPLES)}")
    given = name or (existing.package if existing else root.name)
    plain = unicodedata.normalize("NFKD", given).encode("ascii", "ignore").decode()
    package = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    if existing is None:
        _check_package(package, given)
    extra = "demo" if example == "demo" else ""
    found, note = (requirement, "as it was named to `waybill init`") if requirement else ("", "")
    if not found:
        found, note = own_requirement(extra)
    return Plan(root, package.replace("_", "-"), package, example, found, note)


def make_project(plan: Plan) -> WrittenFiles:
    """Makes a project; of one that is there already only what this machine lacks, its `.env` and home folder.

    Raises:
        ConflictError: files are in the way; nothing was written.
        StorageError: a file cannot be written.
    """
    is_new = read_project(plan.root) is None
    # What makes the folder a project comes last: a folder that is one is whole.
    wanted = dict(sorted(plan.files(), key=lambda file: file[0] == _LAST)) if is_new else {}
    kept = _kept(plan, wanted)
    made = WrittenFiles(plan.root, plan.root)
    try:
        for place, text in wanted.items():
            if place in kept:
                made.kept.append(plan.root / place)
                continue
            _write(plan.root / place, text)
            made.made.append(plan.root / place)
    except OSError as error:
        raise StorageError(f"{error.filename} cannot be written: {error.strerror}") from error
    _settle(use_project(plan.root), plan, made, is_new=is_new)
    return made


def own_requirement(extra: str = "") -> tuple[str, str]:
    """How a project names Waybill as a dependency so that it gets this one, and a remark on it.

    Waybill is on no index yet: it is named by the wheel, repository or folder that it was installed from, which
    `direct_url.json` tells.
    """
    name = f"waybill[{extra}]" if extra else "waybill"
    here = metadata.distribution("waybill")
    origin = json.loads(here.read_text("direct_url.json") or "{}")
    url = origin.get("url", "")
    if "vcs_info" in origin:
        facts = origin["vcs_info"]
        return (
            f"{name} @ {facts['vcs']}+{url}@{facts['commit_id']}",
            "the commit that made this project",
        )
    if "dir_info" in origin:
        remark = "a folder of this machine: name the repository for others, git+https://HOST/waybill@COMMIT"
        return f"{name} @ {url}", remark
    if url:
        remark = "a wheel; it has to be found under this address wherever the project is installed"
        return f"{name} @ {url}", remark
    return f"{name}~={here.version}", "from the index that it was installed from"


def _check_package(package: str, given: str) -> None:
    reason = ""
    if not package.isidentifier() or keyword.iskeyword(package):
        reason = "is no name for a Python package"
    elif package in _OURS or package in sys.stdlib_module_names:
        reason = "is taken: Waybill or Python has a package of that name"
    elif (found := util.find_spec(package)) is not None and found.origin is not None:
        reason = f"is taken by an installed package ({found.origin})"
    if reason:
        raise ConfigError(
            f"a project cannot be called {given!r}: {package!r} {reason}",
            hint="Choose another name with --name",
        )


def _kept(plan: Plan, wanted: dict[Path, str]) -> set[Path]:
    """Those that are there as they would be made, or may be the repository's own.

    Raises:
        ConflictError: others are there.
    """
    if plan.root.exists() and not plan.root.is_dir():
        raise ConflictError(f"{plan.root} is no folder", hint="Name another one")
    there = [place for place in wanted if _is_there(plan.root / place)]
    same = {place for place in there if _holds(plan.root / place, wanted[place])}
    own = {place for place in there if place.as_posix() in _OPTIONAL}
    in_the_way = [place.as_posix() for place in there if place not in same | own]
    if in_the_way:
        raise ConflictError(
            f"{plan.root} has files of its own that a new project would replace: {', '.join(in_the_way)}",
            hint="Nothing was written. Name a folder without them, or move them away",
        )
    return same | own


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:  # never over a file that came meanwhile
        file.write(text)


def _settle(project: ProjectFolders, plan: Plan, made: WrittenFiles, *, is_new: bool) -> None:
    """What this machine needs: the home folder, and `.env` that names it."""
    made.notes += warnings_of(waybill_home(), project)
    home = open_home()
    made.home = home.root
    if is_new and plan.example == "orders":
        for path, text in _read(
            package_files.files("orchestration") / "templates" / "orders" / "home"
        ):
            if not (home.root / path).exists():
                _write(home.root / path, text)
                made.made.append(home.root / path)
    added = add_home(project.root, home)
    (made.made if added else made.kept).append(project.root / ENV_FILE)
    ignored = project.root / ".gitignore"
    if not ignored.is_file() or ENV_FILE not in ignored.read_text(encoding="utf-8").split():
        made.notes.append(f"{ignored} does not name {ENV_FILE}: add it, it will hold secrets")


def _read(folder: Traversable, base: Path = Path()) -> Iterator[tuple[Path, str]]:
    """The text files below a folder of the package, in order."""
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _read(entry, base / entry.name)
        elif not entry.name.endswith(".pyc"):
            yield base / entry.name, entry.read_text(encoding="utf-8")
