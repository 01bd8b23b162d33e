"""Files below `defs/` as they would be: loading reads these texts in place of what stands on the disk.

So a change is judged with the whole project before a byte of it is written. What is laid over counts for the thread that
asked for it, and for nothing but component files: Python is read from the disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType

Texts = Mapping[Path, str | None]
"""Texts by absolute path; None of a file that is not to be there."""

_TEXTS: ContextVar[Texts] = ContextVar("texts", default=MappingProxyType({}))


@contextmanager
def overlaid(texts: Texts) -> Iterator[None]:
    """Inside, loading finds `texts`."""
    token = _TEXTS.set(texts)
    try:
        yield
    finally:
        _TEXTS.reset(token)


def is_file(path: Path) -> bool:
    """Whether there is a file."""
    texts = _TEXTS.get()
    return texts[path] is not None if path in texts else path.is_file()


def is_dir(path: Path) -> bool:
    """Whether there is a folder."""
    return path.is_dir() or path in _new_folders()


def children(folder: Path) -> list[Path]:
    """What stands directly in a folder."""
    texts = _TEXTS.get()
    found = set(folder.iterdir()) if folder.is_dir() else set()
    found -= {path for path, text in texts.items() if text is None}
    found |= {p for p, text in texts.items() if text is not None and p.parent == folder}
    return [*found, *(p for p in _new_folders() if p.parent == folder and p not in found)]


def size(path: Path) -> int:
    """How many bytes a file has."""
    text = _TEXTS.get().get(path)
    return path.stat().st_size if text is None else len(text.encode())


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    text = _TEXTS.get().get(path)
    return path.read_text(encoding="utf-8") if text is None else text


def _new_folders() -> set[Path]:
    """Folders that would be made for the files."""
    texts = _TEXTS.get()
    if not texts:
        return set()
    return {
        folder
        for path, text in texts.items()
        if text is not None
        for folder in path.parents
        if not folder.exists()
    }
