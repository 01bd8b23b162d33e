"""Values for the placeholders of a data source's query: read from YAML, resolved when the query runs.

A value that comes from an environment variable is read at run time only, so that it is kept nowhere (T23).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from resources.kernel.errors import ConfigError
from resources.kernel.records import QueryValue

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class FromEnvironment:
    """A value that an environment variable holds when the query runs."""

    variable: str


Parameters = Mapping[str, QueryValue | FromEnvironment]


def parse_parameters(given: Mapping[str, object]) -> dict[str, QueryValue | FromEnvironment]:
    """Parameters as YAML gives them: a scalar each, or `{env: NAME}`.

    Raises:
        ConfigError: a name that cannot stand behind a colon, or a value of another kind; values are never shown.
    """
    found: dict[str, QueryValue | FromEnvironment] = {}
    for name, value in given.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigError(
                f"parameters: {str(name)[:60]!r} cannot name a parameter",
                hint="Letters, digits and '_', no digit first; the query says `:name`",
            )
        found[name] = _parse_value(name, value)
    return found


def _parse_value(name: str, value: object) -> QueryValue | FromEnvironment:
    if isinstance(value, Mapping) and set(value) == {"env"}:
        variable = value["env"]
        if isinstance(variable, str) and _NAME.fullmatch(variable):
            return FromEnvironment(variable)
    if value is None or isinstance(value, (str, int, float, bool, Decimal, date)):
        return value
    raise ConfigError(
        f"parameters: {name} cannot be a {type(value).__name__} like that",
        hint="Give a text, a number, true or false, a date, null, or {env: NAME_OF_A_VARIABLE}",
    )


def resolve_parameters(parameters: Parameters, *, where: str) -> dict[str, QueryValue]:
    """The parameters with what the environment holds now.

    Raises:
        ConfigError: a variable that is not set.
    """
    missing = [
        value.variable
        for value in parameters.values()
        if isinstance(value, FromEnvironment) and value.variable not in os.environ
    ]
    if missing:
        raise ConfigError(
            f"{where} needs the environment variable {' and '.join(missing)}",
            hint="Set it where this command and the server run",
            variables=missing,
        )
    return {
        name: os.environ[value.variable] if isinstance(value, FromEnvironment) else value
        for name, value in parameters.items()
    }
