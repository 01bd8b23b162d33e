"""What `checks:` of a dataset asks for, as records; who judges it is `native.py` and `library.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets.checks.expectation_arguments import ARGUMENTS, wrong_arguments
from assets.checks.expectation_names import as_in_gallery, wrong_name
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
        ConfigError: an entry of another shape, with a name that no expectation has, or with arguments that it does not
            take. Its fact `path` leads to the place below `checks`; `also` holds the other errors.
    """
    wrong = [error for number, entry in enumerate(given) for error in _mistakes(entry, number)]
    if wrong:
        first, *others = wrong
        first.facts["also"] = tuple(others)
        raise first
    return [_expectation(entry) for entry in given]


def _expectation(entry: Mapping[str, Any]) -> Expectation:
    (kind, arguments), *_ = entry.items()
    rest = {name: value for name, value in arguments.items() if name != _SEVERITY}
    return Expectation(kind, rest, blocking=_SEVERITIES[arguments.get(_SEVERITY, "error")])


def _mistakes(entry: Mapping[str, Any], number: int) -> Iterator[ConfigError]:
    if len(entry) != 1 or not isinstance(next(iter(entry.values())), dict):
        yield ConfigError(
            f"checks: {json.dumps(entry, default=str)[:120]} is not `name: {{arguments}}`",
            hint="For instance `- expect_column_values_to_not_be_null: {column: carrier}`",
            path=(number,),
        )
        return
    (kind, arguments), *_ = entry.items()
    severity = arguments.get(_SEVERITY, "error")
    if not isinstance(severity, str) or severity not in _SEVERITIES:
        yield ConfigError(
            f"checks: {kind} has the severity {severity!r}",
            hint="`error` fails the run before anything reads the dataset; `warn` only tells",
            path=(number, kind, _SEVERITY),
        )
    if not kind.startswith("expect_") and "." not in kind:
        yield ConfigError(
            f"checks: {kind!r} is not an expectation",
            hint="Names start with `expect_`, or are the dotted path of a class",
            path=(number,),
        )
    elif wrong := wrong_name(kind):
        yield ConfigError(f"checks: unknown expectation {kind!r}", hint=wrong, path=(number,))
    elif kind in ARGUMENTS:
        own = {name: value for name, value in arguments.items() if name != _SEVERITY}
        for found in wrong_arguments(kind, own):
            place = (number, kind, *([found.argument] if found.argument else []))
            yield ConfigError(f"checks: {found.text}", hint=found.hint, path=place)
