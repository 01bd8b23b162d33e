"""A document that cannot be read: which rule it breaks, and the words for it."""

from __future__ import annotations

from typing import Literal, cast, get_args

from resources.documents.limits import ReadLimits
from resources.kernel.foreign_text import one_line
from resources.sandbox.refusals import SandboxRefusedError

DocumentRule = Literal[
    "format_not_taken",
    "type_mismatch",
    "empty",
    "no_text",
    "encrypted",
    "unreadable",
    "over_time",
    "over_memory",
    "over_size",
    "over_pages",
]
"""The same words as the rules of items of import tasks."""
_RULES: tuple[str, ...] = get_args(DocumentRule)
_GB = 1024**3
_MB = 1024**2


class DocumentRefusedError(SandboxRefusedError):
    """One document breaks a rule.

    Args:
        rule: which.
        message: what was found, in one line.
    """

    def __init__(self, rule: DocumentRule, message: str, source: int = 0) -> None:
        super().__init__(rule, message, source)

    @property
    def rule(self) -> DocumentRule:
        """Which rule."""
        return cast("DocumentRule", self.facts["rule"])


def document_refusal(rule: str, message: str, limits: ReadLimits) -> DocumentRefusedError:
    """The words of a worker, or those about its end, as far as they are words of ours."""
    if rule == "over_time":
        return DocumentRefusedError(
            "over_time", f"over {limits.seconds:g} s: it takes longer to read than that"
        )
    if rule == "over_memory":
        return DocumentRefusedError(
            "over_memory", f"over {shown_bytes(limits.memory_bytes)}: it needs more memory to read"
        )
    if rule == "over_reading":
        return DocumentRefusedError("over_size", one_line(message))
    known = cast("DocumentRule", rule) if rule in _RULES else "unreadable"
    return DocumentRefusedError(known, _as_sentence(one_line(message)))


def _as_sentence(message: str) -> str:
    return message[:1].upper() + message[1:]


def shown_bytes(count: int) -> str:
    """Bytes as people say them: `1 GB`, `200 MB`."""
    if count >= _GB and count % _GB == 0:
        return f"{count // _GB:,} GB"
    return f"{count / _MB:,.0f} MB" if count >= _MB else f"{count:,} bytes"
