"""What one file of media may cost before it is given up."""

from __future__ import annotations

from resources.sandbox.limits import MB, SandboxLimits


class MediaLimits(SandboxLimits, frozen=True):
    """Limits of one file, and of one picture where a file gives several. Each is an error of the file (T12, T14)."""

    read_bytes: int = 64 * MB
    """Bytes read to find out what is in a file."""
    picture_read_bytes: int = 2048 * MB
    """Bytes read to make pictures of a file."""
    pixels: int = 50_000_000
    """Pixels of an image, a video's frame, or a slice."""
