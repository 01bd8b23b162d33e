"""What runs in a confined process: which module, and what it imports."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

import msgspec

from resources.kernel.errors import MissingDependencyError


class SandboxProgram(msgspec.Struct, frozen=True):
    """The program of a worker."""

    module: str
    """Has a function `main(descriptor, parent, first, memory_bytes, cpu_seconds, readable)`."""
    purpose: str
    """What it is for, as the end of "A process for ... did not start"."""
    packages: tuple[str, ...] = ()
    """Modules that it imports: they are found wherever they are installed."""


def check_packages(packages: Mapping[str, str], extra: str, purpose: str) -> None:
    """Refuses to begin without what a worker imports; nothing is imported here.

    Args:
        packages: modules -> packages that they come with.
        extra: which all are in.
        purpose: what they are for.

    Raises:
        MissingDependencyError: one is not installed.
    """
    for module, package in packages.items():
        if find_spec(module) is None:
            raise MissingDependencyError(package, extra=extra, purpose=purpose)
