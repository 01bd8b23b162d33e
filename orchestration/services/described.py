"""What a code location last said of itself, kept in the home folder: pages show it while the location does not load.

Imports no Dagster.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from orchestration.services.home import Home
from orchestration.services.snapshot import Snapshot


@dataclass(frozen=True)
class Described:
    """A code location as it was loaded last."""

    snapshot: Snapshot | None = None
    """None of one that is no project of Waybill, or that has never loaded."""
    error: str = ""
    """Why it does not load now."""
    is_foreign: bool = False
    """Whether it loads, and is no project of Waybill."""


def keep_described(home: Home, project: str, described: Described) -> Described:
    """Keeps what a location says; of one that does not load, what it said before, with the new error."""
    if described.snapshot is None and (before := kept_described(home, project)) is not None:
        described = replace(described, snapshot=before.snapshot)
    path = _path(home, project)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.touch(mode=0o600)
    scratch.write_bytes(msgspec.json.encode(described))
    scratch.replace(path)
    return described


def kept_described(home: Home, project: str) -> Described | None:
    """What is kept of a location; None when nothing is, or another release wrote it."""
    try:
        return msgspec.json.decode(_path(home, project).read_bytes(), type=Described)
    except (OSError, msgspec.MsgspecError):
        return None


def kept_store(home: Home, project: str) -> str:
    """Where a location kept its datasets when it last loaded; empty when it never did."""
    kept = kept_described(home, project)
    return kept.snapshot.store if kept is not None and kept.snapshot is not None else ""


def _path(home: Home, project: str) -> Path:
    # A location may be called anything: its name is no file name.
    return home.root / "projects" / f"{hashlib.sha256(project.encode()).hexdigest()[:16]}.json"
