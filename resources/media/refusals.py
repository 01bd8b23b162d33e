"""A file that is not what was announced, or that no parser can read within its limits."""

from __future__ import annotations

from typing import Literal, cast, get_args

from resources.kernel.foreign_text import one_line
from resources.sandbox.refusals import SandboxRefusedError

ContentRule = Literal["object_type_mismatch", "object_unreadable", "dicom_inconsistent"]
"""Those of the rules of objects (`resources/collections/rules.py`) that the bytes of a file can break."""
_RULES: tuple[str, ...] = get_args(ContentRule)


class MediaRefusedError(SandboxRefusedError):
    """One file of an item breaks a rule.

    Args:
        rule: which.
        message: what was found, in one line.
        source: which of the files that were given, by its position.
    """

    def __init__(self, rule: ContentRule, message: str, source: int = 0) -> None:
        super().__init__(rule, message, source)

    @property
    def rule(self) -> ContentRule:
        """Which rule."""
        return cast("ContentRule", self.facts["rule"])


def media_refusal(rule: str, message: str) -> MediaRefusedError:
    """The worker's words, or those about its end, as far as they are words of ours."""
    known = cast("ContentRule", rule) if rule in _RULES else "object_unreadable"
    return MediaRefusedError(known, one_line(message))
