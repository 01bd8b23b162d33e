"""What runs in a confined process: which module, and what it imports."""

from __future__ import annotations

import msgspec


class SandboxProgram(msgspec.Struct, frozen=True):
    """The program of a worker."""

    module: str
    """Has a function `main(descriptor, parent, first, memory_bytes, cpu_seconds, readable)`."""
    purpose: str
    """What it is for, as the end of "A process for ... did not start"."""
    packages: tuple[str, ...] = ()
    """Modules that it imports: they are found wherever they are installed."""
