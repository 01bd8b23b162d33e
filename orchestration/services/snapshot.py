"""What a list needs to know of the project, kept beside the content that it was made from. Imports no Dagster.

A snapshot holds while the same bytes stand under `defs/` and in every module that came from outside the installed
packages, the same packages are installed, and every environment variable that was read meanwhile has the value that
it had. Anything else, and the project is loaded anew.
"""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.embeddings import EmbeddingEntry
from orchestration.services.exports.entries import ExporterEntry
from orchestration.services.home import Home
from orchestration.services.metadata_schemas.entries import DeclaredSchema
from orchestration.services.pipelines.entry import PipelineEntry
from resources.environment import watch_environment
from resources.project import CODE_ROOT, find_project

KEPT = 8
"""Snapshots of other states, such as of another environment, that stay for when it comes back."""
FORMAT = 7
_ALWAYS = ("WAYBILL_HOME", "WAYBILL_STORE", "DAGSTER_HOME", "PYTHONPATH")
_CODE = ("orchestration", "assets", "resources")


@dataclass(frozen=True)
class Declaration:
    """A component of the users' definitions, and where it stands."""

    noun: str
    """In the words of the command line: `connector`, `dataset`, `classification set`."""
    name: str
    type: str
    """As YAML names it: `assets.Dataset`."""
    file: str
    line: int
    description: str = ""


@dataclass(frozen=True)
class Snapshot:
    """What lists need."""

    datasets: tuple[DatasetEntry, ...] = ()
    problems: tuple[str, ...] = ()
    connectors: tuple[Mapping[str, Any], ...] = ()
    """As `waybill connector list --json` prints them, whether variables are set included."""
    datasources: tuple[Mapping[str, Any], ...] = ()
    """As `waybill datasource list --json` prints them."""
    exporters: tuple[ExporterEntry, ...] = ()
    store: str = ""
    """Where datasets are kept."""
    pipelines: tuple[PipelineEntry, ...] = ()
    classifications: tuple[Mapping[str, Any], ...] = ()
    """Classification sets, as the metadata of their assets has them."""
    image_folders: tuple[DatasetEntry, ...] = ()
    collections: tuple[Mapping[str, Any], ...] = ()
    """Collections, as the metadata of their assets has them."""
    metadata_schemas: tuple[DeclaredSchema, ...] = ()
    """With their keys."""
    task_connectors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Connectors that import tasks may take files from, by target, as `collection:library`."""
    embeddings: tuple[EmbeddingEntry, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    """Every component that stands, in order of noun and name."""


@dataclass(frozen=True)
class _Kept:
    snapshot: Snapshot
    content: str
    modules: Mapping[str, str]
    """Files of modules from elsewhere, and what they held."""
    salt: str
    variables: Mapping[str, str] = field(default_factory=dict)


class SnapshotFolder:
    """The snapshots of a home folder.

    Args:
        home: where they are kept.
        defs: the folder that definitions are read from; the project's own by default.
    """

    def __init__(self, home: Home, defs: Path | None = None) -> None:
        self._folder = home.root / "snapshots"
        self._defs = defs or find_project().defs_folder

    def find(self) -> Snapshot | None:
        """The snapshot that holds now; None when none does."""
        if not self._folder.is_dir():
            return None
        content = self._content()
        for path in sorted(self._folder.glob("*.json"), key=_changed_at, reverse=True):
            kept = _read(path)
            if kept is not None and kept.content == content and _holds(kept):
                return kept.snapshot
        return None

    def make(self, load: Callable[[], Snapshot]) -> Snapshot:
        """Loads, and keeps what came of it, unless a file was changed meanwhile."""
        before = self._content()
        with watch_environment() as seen:
            snapshot = load()
            names = {*seen, *_ALWAYS, *(n for n in os.environ if n.startswith("WAYBILL_"))}
        if before == self._content():
            self._keep(snapshot, before, names)
        return snapshot

    def _keep(self, snapshot: Snapshot, content: str, names: Iterable[str]) -> None:
        salt = os.urandom(16).hex()
        kept = _Kept(
            snapshot,
            content,
            {file: _digest(Path(file)) for file in _own_modules()},
            salt,
            {name: _masked(salt, name) for name in sorted(names)},
        )
        self._folder.mkdir(mode=0o700, exist_ok=True)
        target = self._folder / f"{hashlib.sha256(salt.encode()).hexdigest()[:16]}.json"
        scratch = target.with_suffix(f".{os.getpid()}")
        scratch.touch(mode=0o600)
        scratch.write_bytes(msgspec.json.encode(kept))
        scratch.replace(target)  # whole or not at all, whatever else writes or reads
        for old in sorted(self._folder.glob("*.json"), key=_changed_at, reverse=True)[KEPT:]:
            old.unlink(missing_ok=True)

    def _content(self) -> str:
        """Changes with every byte under `defs/`, of the project's code, and with every installed release."""
        seen = hashlib.blake2b(digest_size=20)
        seen.update(f"{FORMAT} {sys.version} {CODE_ROOT}".encode())
        packages = Path(sysconfig.get_paths()["purelib"]).iterdir()
        seen.update("\0".join(sorted(p.name for p in packages if "-info" in p.name)).encode())
        folders = [CODE_ROOT / name for name in _CODE]
        for folder in dict.fromkeys([*folders, self._defs]):
            for path in _files(folder):
                seen.update(f"\0{path}\0".encode())
                seen.update(path.read_bytes())
        return seen.hexdigest()


def _files(folder: Path) -> list[Path]:
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [Path(root, name) for name in files]
    return sorted(found)


def _own_modules() -> list[str]:
    """Files of modules that are neither Python's nor an installed package's: the project's own, wherever they are."""
    outside = tuple({sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")})
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return sorted(f for f in files if f and not f.startswith(outside) and Path(f).is_file())


def _holds(kept: _Kept) -> bool:
    return all(_masked(kept.salt, name) == mark for name, mark in kept.variables.items()) and all(
        _digest(Path(file)) == digest for file, digest in kept.modules.items()
    )


def _read(path: Path) -> _Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None  # removed meanwhile, or written by another release


def _digest(path: Path) -> str:
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""


def _masked(salt: str, name: str) -> str:
    """A variable's value, told apart and not told; empty when it is not set."""
    value = os.environ.get(name)
    if value is None:
        return ""
    return hashlib.blake2b(value.encode(), key=bytes.fromhex(salt), digest_size=16).hexdigest()


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
