"""`assets.Dataset` in YAML."""

from __future__ import annotations

from typing import Any, cast

import dagster as dg
from pydantic import Field

from assets.datasets.build import DatasetSpec, build_dataset
from assets.datasets.expectations import Expectation, parse_expectations
from assets.refresh import ON_CHANGE, automation_for
from resources.declarations import DeclaresSource
from resources.declared import DeclaredComponent
from resources.kernel.errors import ConfigError
from resources.kernel.keys import check_name
from resources.references import declared, position, require


class Dataset(DeclaredComponent):
    """A versioned table, imported from a datasource."""

    name: str
    datasource: str
    """Name of a datasource."""
    refresh: str = ON_CHANGE
    """`on_change`, `manual`, or a cron."""
    checks: list[dict[str, Any]] = Field(default_factory=list)
    """Great Expectations by name: `- expect_column_values_to_not_be_null: {column: carrier}`; a class of your own by its path."""
    allow_empty: bool = False
    """Whether a source of no rows may replace a dataset that has some (E11)."""
    keep: int = 3
    """How many versions to keep; the rest is collected a day after it was superseded."""
    description: str = ""

    def _expectations(self, context: dg.ComponentLoadContext) -> list[Expectation]:
        try:
            return parse_expectations(self.checks)
        except ConfigError as error:
            others = cast("tuple[ConfigError, ...]", error.facts["also"])
            first, *also = [_placed(context, found) for found in (error, *others)]
            first.facts["also"] = tuple(also)
            raise first from error

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset, its checks, and when it is refreshed."""
        check_name("dataset", self.name, where=position(context, "name"))
        declared(context, Dataset, noun="dataset")
        source = require(
            context, DeclaresSource, self.datasource, noun="datasource", attribute="datasource"
        )
        spec = DatasetSpec(
            name=self.name,
            source=source.source_spec(),
            allow_empty=self.allow_empty,
            keep=self.keep,
            description=self.description,
        )
        return build_dataset(
            spec,
            expectations=self._expectations(context),
            automation=automation_for(self.refresh, where=position(context, "refresh")),
        )


def _placed(context: dg.ComponentLoadContext, error: ConfigError) -> ConfigError:
    where = position(context, "checks", *cast("tuple[str | int, ...]", error.facts["path"]))
    return ConfigError(f"{where}: {error.message}", hint=error.hint)
