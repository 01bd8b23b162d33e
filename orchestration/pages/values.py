"""Values of data in a page: null and empty told apart, lists as JSON, invisible characters made visible."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup, escape

from orchestration.services.hidden_characters import HIDDEN, code_of


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
    for found in HIDDEN.finditer(text):
        parts.append(escape(text[last : found.start()]))
        parts.append(Markup('<span class="hidden-char">{}</span>').format(code_of(found[0])))
        last = found.end()
    return Markup("").join([*parts, escape(text[last:])])
