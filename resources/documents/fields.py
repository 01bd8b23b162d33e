"""A user's own keys, filled by rules: from where an item lies, from its text, or from what its document says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

import regex

from resources.documents.document import Document
from resources.documents.markdown import to_text
from resources.kernel.errors import InputError

_MOST_SEARCHED = 1_000_000
"""Characters of a text that a pattern is looked for in."""
_SECONDS = 2
_MOST_VALUE = 10_000
_PROPERTIES = ("title", "language", "author", "created", "modified", "description")


class FieldRuleLike(Protocol):
    """A rule that fills a key; `resources/import_tasks` has it as users write it."""

    @property
    def key(self) -> str:
        """What it fills."""

    @property
    def source(self) -> str:
        """`path`: a pattern over the item's reference; `regex`: one over its text; `metadata`: the name of a property."""

    @property
    def pattern(self) -> str:
        """The pattern, of which the first group is the value, or all of it where there is none; or the name."""


def fill(rules: Sequence[FieldRuleLike], path: str, document: Document) -> dict[str, str]:
    """The keys that can be filled; one that nothing is found for is left out.

    Args:
        rules: in their order; of two for one key the first that finds something counts.
        path: the item's reference.
        document: what was read of it.

    Raises:
        InputError: a pattern is none, or takes too long on this text.
    """
    found: dict[str, str] = {}
    text = cache(lambda: to_text(document)[:_MOST_SEARCHED])
    for rule in rules:
        if rule.key in found:
            continue
        if rule.source == "metadata":
            value = property_of(document, rule.pattern)
        else:
            value = _search(rule, text() if rule.source == "regex" else path)
        if value:
            found[rule.key] = value[:_MOST_VALUE]
    return found


def property_of(document: Document, name: str) -> str:
    """A property of a document: one of its own, of its metadata, or `pages` and `characters`."""
    wanted = name.strip().lower()
    if wanted in _PROPERTIES:
        return str(getattr(document, wanted))
    if wanted == "pages":
        return str(len(document.pages)) if document.pages else ""
    if wanted == "characters":
        return str(document.characters)
    return next((value for key, value in document.metadata.items() if key.lower() == wanted), "")


def _search(rule: FieldRuleLike, text: str) -> str:
    try:
        match = regex.search(rule.pattern, text, flags=regex.MULTILINE, timeout=_SECONDS)
    except regex.error as error:
        raise InputError(f"field {rule.key!r}: {rule.pattern!r} is no pattern: {error}") from None
    except TimeoutError:
        raise InputError(
            f"field {rule.key!r}: looking for {rule.pattern!r} took more than {_SECONDS} s in this text",
            hint="Say more exactly what stands before and behind the value, without nested repetitions",
        ) from None
    if match is None:
        return ""
    return next((group for group in match.groups() if group), "") if match.re.groups else match[0]
