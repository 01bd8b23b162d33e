"""Values of data in a page: null and empty told apart, lists as JSON, invisible characters made visible."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup, escape

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""Controls, and marks that turn the direction of text or take no room; tabs and line ends stay."""


def shown(value: Any) -> Markup:
    """A value as a cell shows it."""
    if value is None:
        return Markup('<span class="null">null</span>')
    if value == "" and isinstance(value, str):
        return Markup('<span class="null">empty</span>')
    if isinstance(value, str):
        return visible(value)
    return visible(json.dumps(value, ensure_ascii=False))


def visible(text: str) -> Markup:
    """A text, escaped, with what hides in it written out as its code."""
    parts, last = [], 0
    for found in _HIDDEN.finditer(text):
        parts.append(escape(text[last : found.start()]))
        parts.append(Markup('<span class="hidden-char">{}</span>').format(_code(found[0])))
        last = found.end()
    return Markup("").join([*parts, escape(text[last:])])


def _code(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"
