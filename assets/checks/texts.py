"""Values as texts that are short enough to be kept with each run: each event is kept twice, and read whole."""

from __future__ import annotations

_CHARACTERS = 200


def cut(text: str) -> str:
    """A text of at most 200 characters, and how many more there are."""
    left_out = len(text) - _CHARACTERS
    return text if left_out <= 0 else f"{text[:_CHARACTERS]}… ({left_out:,} more)"
