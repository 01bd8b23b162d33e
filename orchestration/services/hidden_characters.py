"""Characters that hide in a text: written out as their codes wherever data is shown, so that nothing can pose as something else."""

from __future__ import annotations

import re

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""Controls, and marks that turn the direction of text or take no room; tabs and line ends stay."""


def code_of(char: str) -> str:
    """A hidden character as its code."""
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def spelled(text: str) -> str:
    """A text with what hides in it written out."""
    return HIDDEN.sub(lambda found: code_of(found[0]), text)
