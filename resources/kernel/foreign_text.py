"""Text that a stranger wrote, as it may stand in a message of ours."""

from __future__ import annotations


def one_line(text: str, limit: int = 300) -> str:
    """Text of a stranger as one line that writes nothing else to a terminal or a log (T35)."""
    plain = "".join(char if char.isprintable() else " " for char in text[: limit * 4])
    short = " ".join(plain.split())
    return short if len(short) <= limit else short[: limit - 1] + "…"
