"""What a worker may cost before it is ended, whatever kind of file it reads."""

from __future__ import annotations

import msgspec

MB = 1024 * 1024


class SandboxLimits(msgspec.Struct, frozen=True):
    """Limits of one answer. Each is an error of the file (T12, T14)."""

    memory_bytes: int = 1024 * MB
    """Memory beyond what the process has with its parsers loaded."""
    cpu_seconds: int = 60
    """Processor time; whole seconds, as the system counts them."""
    seconds: float = 120
    """Time that the parser takes, without the time in which it waits for bytes."""
    answer_bytes: int = 64 * MB
    """Bytes of one answer."""
