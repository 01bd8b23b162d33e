"""`checks:` in YAML, of every noun whose table is held to expectations, and what they need to know of its rows and columns."""

from __future__ import annotations

from typing import Annotated, Any, cast

import dagster as dg
from pydantic import BeforeValidator, Field

from assets.checks.expectations import Expectation, parse_expectations
from assets.checks.schema_change import Policy
from assets.noun import AssetRecord
from assets.table_asset import TableComponent
from resources.kernel.errors import ConfigError
from resources.kernel.keys import ROW_KEY
from resources.references import position


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# One column may stand without brackets.
GivenKey = Annotated[
    list[str],
    dg.Resolver(
        lambda context, value: [
            context.resolve_value(name, as_type=str) for name in _listed(value)
        ],
        model_field_type=Annotated[list[str], BeforeValidator(_listed)],
    ),
]


class CheckedTable(TableComponent):
    """A component whose table is held to expectations."""

    checks: list[dict[str, Any]] = Field(default_factory=list)
    """Great Expectations by name: `- expect_column_values_to_not_be_null: {column: carrier}`; a class of your own by its path."""
    key: GivenKey = Field(default_factory=list)
    """The column, or columns, that tell its rows apart: rows that fail a check are named by them, and versions are compared by them."""
    on_schema_change: Policy = "accept"
    """What becomes of rows whose columns are not those of the version before: `accept` publishes them and tells what changed,
    `warn` does so with a failed check of severity warn, `fail` keeps the version before."""

    def check_declared(self, context: dg.ComponentLoadContext) -> None:
        """Whether the name may stand, and each column of the key is named once."""
        super().check_declared(context)
        twins = sorted({name for name in self.key if self.key.count(name) > 1})
        if twins or not all(self.key):
            told = f"names {twins[0]!r} twice" if twins else "names a column without a name"
            raise self.refusal(context, f"`key` {told}", "key")

    def asset_of(self, context: dg.ComponentLoadContext, spec: AssetRecord) -> dg.AssetSpec:
        """What is shown of the asset, its key among that."""
        made = super().asset_of(context, spec)
        return made.merge_attributes(metadata={ROW_KEY: list(self.key)}) if self.key else made

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
