"""What one file may cost before it is given up."""

from __future__ import annotations

import msgspec

MB = 1024 * 1024


class MediaLimits(msgspec.Struct, frozen=True):
    """Limits of one file, and of one picture where a file gives several. Each is an error of the file (T12, T14)."""

    memory_bytes: int = 1024 * MB
    """Memory beyond what the process has with all parsers loaded."""
    cpu_seconds: int = 60
    """Processor time; whole seconds, as the system counts them."""
    seconds: float = 120
    """Time that the parser takes, without the time in which it waits for bytes."""
    read_bytes: int = 64 * MB
    """Bytes read to find out what is in a file."""
    picture_read_bytes: int = 2048 * MB
    """Bytes read to make pictures of a file."""
    pixels: int = 50_000_000
    """Pixels of an image, a video's frame, or a slice."""
    answer_bytes: int = 64 * MB
    """Bytes of one answer: facts, or a picture."""
