"""How many pixels are too many (T12)."""

from __future__ import annotations

from resources.media.refusals import MediaRefusedError


def check_pixels(width: int, height: int, most: int) -> None:
    """Refuses pictures that would take too much memory, before a pixel is decoded.

    Raises:
        MediaRefusedError: more than `most` pixels, or none.
    """
    if width < 1 or height < 1:
        raise MediaRefusedError("object_unreadable", f"It has {width} x {height} pixels")
    if width * height > most:
        raise MediaRefusedError(
            "object_unreadable",
            f"It has {width:,} x {height:,} pixels, at most {most:,} are read",
        )
