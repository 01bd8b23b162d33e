"""Why others' code refused, in one line for a person: never the value of a field, which may be a mistyped secret.

Errors raised on purpose speak for themselves; what wraps them, or what they were raised from, says less.
"""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Iterator, Mapping

import dagster as dg
import yaml
from dagster_shared.check import CheckError
from pydantic import ValidationError

from resources.kernel.errors import WaybillError

LIMIT = 300
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# A password may start with `*`, `&` or `!`.
_YAML_NAME = re.compile(r"(alias|anchor|handle|tag) '.*'")
_REPEATS_INPUT = frozenset({"value_error", "assertion_error", "union_tag_invalid", "uuid_parsing"})


def raised_on_purpose(error: BaseException) -> WaybillError | None:
    """The outermost `WaybillError` of the chain of causes: the one that knows most of the place."""
    return next((e for e in _causes(error) if isinstance(e, WaybillError)), None)


def reason_of(error: BaseException) -> str:
    """What went wrong and, where it is known, in which file and line."""
    chain = list(_causes(error))
    for found in chain:
        if isinstance(found, ValidationError):
            return _shortened(
                "; ".join(map(_field_text, found.errors(include_input=False, include_url=False)))
            )
        if isinstance(found, yaml.MarkedYAMLError):
            return _shortened(_yaml_text(found))
        if isinstance(found, dg.DagsterInvalidConfigError) and found.errors:
            # What was expected instead, or the value that was found, comes in the sentences behind.
            return _shortened(found.errors[0].message.split(". ")[0])
    innermost = chain[-1]
    return _shortened(f"{type(innermost).__name__}: {_text(innermost)}")


def is_of_the_disk(error: BaseException) -> bool:
    """Whether it is that the disk is full, or fails: SQLite says either, and often the second of a full one."""
    return any(map(_is_full, _causes(error)))


def _is_full(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        return name.startswith(("SQLITE_FULL", "SQLITE_IOERR"))
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def _field_text(found: Mapping[str, object]) -> str:
    loc, kind = found["loc"], str(found["type"])
    place = ".".join(map(str, loc)) if isinstance(loc, tuple) else str(loc)
    text = kind.replace("_", " ") if kind in _REPEATS_INPUT else str(found["msg"])
    return f"{place}: {text}" if place else text


def _yaml_text(error: yaml.MarkedYAMLError) -> str:
    problem = _YAML_NAME.sub(r"\1", error.problem or error.context or "it is not YAML")
    mark = error.problem_mark or error.context_mark
    return f"{mark.name}:{mark.line + 1}: {problem}" if mark is not None else problem


def _text(error: BaseException) -> str:
    if isinstance(error, yaml.YAMLError):
        return "it is not YAML"
    lines = [line.strip() for line in _ESCAPE.sub("", str(error)).splitlines() if line.strip()]
    if isinstance(error, CheckError):
        return lines[0].split(", instead got")[0] if lines else "no reason was given"
    return lines[-1] if lines else "no reason was given"


def _shortened(text: str) -> str:
    line = " ".join(_ESCAPE.sub("", text).split())
    return line if len(line) <= LIMIT else line[: LIMIT - 1] + "…"
