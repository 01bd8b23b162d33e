"""What checks are called, and what they ask for in words."""

from __future__ import annotations

import json
from collections.abc import Sequence

from assets.checks.expectations import Expectation

_LONGEST = 90


def check_names(expectations: Sequence[Expectation]) -> list[str]:
    """A name for each check, unique within the table: the expectation and what it looks at."""
    names: dict[str, None] = {}
    counts: dict[str, int] = {}
    for expectation in expectations:
        base = "_".join([expectation.title, *expectation.columns])
        base = "".join(char if char.isalnum() or char == "_" else "_" for char in base)[:_LONGEST]
        name = base
        while name in names:
            counts[base] = counts.get(base, 1) + 1
            name = f"{base}_{counts[base]}"
        names[name] = None
    return list(names)


def in_words(expectation: Expectation) -> str:
    """What an expectation asks for, as a sentence: the library's name for it, then its arguments."""
    sentence = expectation.title.replace("_", " ").capitalize()
    given = [
        f"{name.replace('_', ' ')} {json.dumps(value, default=str, ensure_ascii=False)}"
        for name, value in expectation.arguments.items()
    ]
    return f"{sentence}: {', '.join(given)}" if given else sentence
