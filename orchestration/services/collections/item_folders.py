"""Folders as a tree: what lies in one, and the way to it (F110)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestration.services.collections.items import CollectionFolder


@dataclass(frozen=True)
class FolderStep:
    """A folder on the way to another one, or in it.

    Args:
        name: its own name.
        path: from the collection on.
        items: in it and below it.
    """

    name: str
    path: str
    items: int = 0


def way_to(path: str) -> list[FolderStep]:
    """The folders from the collection down to one, itself the last."""
    names = [name for name in path.split("/") if name]
    return [FolderStep(name, "/".join(names[: n + 1])) for n, name in enumerate(names)]


def folders_in(folders: Iterable[CollectionFolder], path: str) -> list[FolderStep]:
    """The folders that lie directly in one, in order of name."""
    counts: dict[str, int] = {}
    start = f"{path}/" if path else ""
    for folder in folders:
        if folder.path and folder.path.startswith(start):
            name = folder.path[len(start) :].partition("/")[0]
            if name:
                counts[name] = counts.get(name, 0) + folder.items
    return [FolderStep(name, f"{start}{name}", items) for name, items in sorted(counts.items())]
