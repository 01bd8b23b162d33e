"""What `checks:` of a dataset asks for, as records; who judges it is `native.py` and `library.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets.datasets.expectation_names import as_in_gallery, wrong_name
from resources.kernel.errors import ConfigError

_SEVERITY = "severity"
_SEVERITIES = {"error": True, "warn": False}


@dataclass(frozen=True)
class Expectation:
    """One expectation: its name in the library, its arguments, whether bad data stops what depends on it."""

    kind: str
    """As in the gallery, or the dotted path of a class of one's own."""
    arguments: Mapping[str, Any]
    blocking: bool = True

    @property
    def is_custom(self) -> bool:
        """Whether it is a class of one's own."""
        return "." in self.kind

    @property
    def title(self) -> str:
        """Its name in the library."""
        return as_in_gallery(self.kind)

    @property
    def columns(self) -> list[str]:
        """The columns that it names."""
        named = [self.arguments.get(name) for name in ("column", "column_A", "column_B")]
        lists = [self.arguments.get(name) for name in ("column_list", "column_set")]
        listed = [name for names in lists if isinstance(names, list) for name in names]
        return [name for name in [*named, *listed] if isinstance(name, str)]

    @property
    def is_about_the_table(self) -> bool:
        """Whether it needs every column: it asks for the table's shape, or may select rows by other columns."""
        return (
            self.kind.startswith("expect_table_")
            or self.kind == "expect_column_to_exist"
            or "row_condition" in self.arguments
            or self.is_custom
            or not self.columns
        )


@dataclass(frozen=True)
class Verdict:
    """What one expectation found."""

    passed: bool
    result: dict[str, Any]
    judged_by: str
    """Who evaluated it."""
    error: str = ""
    """Why the expectation could not be evaluated; empty when it was."""


def parse_expectations(given: Sequence[Mapping[str, Any]]) -> list[Expectation]:
    """Expectations from `checks:` entries such as `{expect_...: {column: x, severity: warn}}`.

    Raises:
        ConfigError: an entry of another shape, or with a name that no expectation has.
    """
    return [_parse(entry, number) for number, entry in enumerate(given)]


def _parse(entry: Mapping[str, Any], number: int) -> Expectation:
    if len(entry) != 1 or not isinstance(next(iter(entry.values())), dict):
        raise ConfigError(
            f"checks: {json.dumps(entry, default=str)[:120]} is not `name: {{arguments}}`",
            hint="For instance `- expect_column_values_to_not_be_null: {column: carrier}`",
            check=number,
        )
    (kind, arguments), *_ = entry.items()
    severity = arguments.get(_SEVERITY, "error")
    if (not kind.startswith("expect_") and "." not in kind) or severity not in _SEVERITIES:
        raise ConfigError(
            f"checks: {kind!r} with severity {severity!r} is not an expectation",
            hint="Names start with `expect_`, or are the dotted path of a class; severity is `error` or `warn`",
            check=number,
        )
    if wrong := wrong_name(kind):
        raise ConfigError(f"checks: unknown expectation {kind!r}", hint=wrong, check=number)
    rest = {name: value for name, value in arguments.items() if name != _SEVERITY}
    return Expectation(kind, rest, blocking=_SEVERITIES[severity])
