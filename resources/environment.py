"""Environment variables that definitions are made from: read here or elsewhere, and remembered while a project loads.

What was read decides whether an earlier load still holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def read_variable(name: str) -> str | None:
    """The variable's value; None when it is not set."""
    return os.environ.get(name)


class _Watched(type(os.environ)):  # type: ignore[misc]  # the class of os.environ has no public name
    """`os.environ` that notes which variables are asked for, set or not."""

    def __getitem__(self, key: str) -> str:
        self.__dict__["seen"].add(key)
        return str(super().__getitem__(key))

    def __iter__(self) -> Iterator[str]:
        names = list(super().__iter__())
        self.__dict__["seen"].update(names)
        return iter(names)


@contextmanager
def watch_environment() -> Iterator[set[str]]:
    """Collects the names of the variables that anything in this process reads meanwhile."""
    environment, plain = os.environ, type(os.environ)
    if plain is _Watched:
        yield environment.__dict__["seen"]
        return
    seen: set[str] = set()
    environment.__dict__["seen"] = seen
    environment.__class__ = _Watched
    try:
        yield seen
    finally:
        environment.__class__ = plain
        del environment.__dict__["seen"]
