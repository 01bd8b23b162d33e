"""A file that is not what was announced, or that no parser can read within its limits."""

from __future__ import annotations

from typing import Literal, cast

from resources.kernel.errors import InputError

ContentRule = Literal["object_type_mismatch", "object_unreadable", "dicom_inconsistent"]
"""Those of the rules of objects (`resources/collections/rules.py`) that the bytes of a file can break."""


class MediaRefusedError(InputError):
    """One file of an item breaks a rule.

    Args:
        rule: which.
        message: what was found, in one line.
        source: which of the files that were given, by its position.
    """

    def __init__(self, rule: ContentRule, message: str, source: int = 0) -> None:
        super().__init__(message, rule=rule, source=source)

    @property
    def rule(self) -> ContentRule:
        """Which rule."""
        return cast("ContentRule", self.facts["rule"])


def one_line(text: str, limit: int = 300) -> str:
    """Text of a stranger as one line that writes nothing else to a terminal or a log (T35)."""
    plain = "".join(char if char.isprintable() else " " for char in text[: limit * 4])
    short = " ".join(plain.split())
    return short if len(short) <= limit else short[: limit - 1] + "…"
