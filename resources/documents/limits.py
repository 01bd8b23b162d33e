"""What one document may cost before it is given up."""

from __future__ import annotations

from resources.sandbox.limits import MB, SandboxLimits


class ReadLimits(SandboxLimits, frozen=True):
    """Limits of one document. Each is an error of that document (T9, T14)."""

    cpu_seconds: int = 120
    """Processor time; as much as all time, so that one number tells."""
    pages: int = 2_000
    """Pages, slides, sheets or chapters."""
    file_bytes: int = 512 * MB
    """Bytes of the file."""
    unpacked_bytes: int = 512 * MB
    """Bytes of all that is packed in it."""
