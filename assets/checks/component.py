"""`checks:` in YAML, of every noun whose table is held to expectations."""

from __future__ import annotations

from typing import Any, cast

import dagster as dg
from pydantic import Field

from assets.checks.expectations import Expectation, parse_expectations
from assets.table_asset import TableComponent
from resources.kernel.errors import ConfigError
from resources.references import position


class CheckedTable(TableComponent):
    """A component whose table is held to expectations."""

    checks: list[dict[str, Any]] = Field(default_factory=list)
    """Great Expectations by name: `- expect_column_values_to_not_be_null: {column: carrier}`; a class of your own by its path."""

    def expectations(self, context: dg.ComponentLoadContext) -> list[Expectation]:
        """What `checks` asks for.

        Raises:
            ConfigError: what is wrong with an entry, at its line; the fact `also` holds the others.
        """
        try:
            return parse_expectations(self.checks)
        except ConfigError as error:
            others = cast("tuple[ConfigError, ...]", error.facts["also"])
            first, *also = [_placed(context, found) for found in (error, *others)]
            first.facts["also"] = tuple(also)
            raise first from error


def _placed(context: dg.ComponentLoadContext, error: ConfigError) -> ConfigError:
    where = position(context, "checks", *cast("tuple[str | int, ...]", error.facts["path"]))
    return ConfigError(f"{where}: {error.message}", hint=error.hint)
