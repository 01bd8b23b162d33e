"""`checks:` and `drift:` in YAML, of every noun whose table is held to something, and what they need to know of its rows and columns."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

import dagster as dg
from pydantic import BeforeValidator, Field

from assets.checks.drift import build_drift_check
from assets.checks.expectations import Expectation, parse_expectations
from assets.checks.schema_change import Policy
from assets.noun import AssetRecord, placed
from assets.table_asset import TableComponent
from resources.declared import Declared
from resources.drift.declared import DeclaredDrift
from resources.drift.reference import parse_reference
from resources.drift.settings import MISSING_POINTS, AskedMethod, ColumnRule, DriftSettings
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


class DriftOfColumn(Declared):
    """How the drift of one column is judged."""

    method: AskedMethod = "auto"
    """`wasserstein` and `ks` for numbers and times, `psi`, `jensen_shannon` and `chi_square` for any column; `auto`: by its type."""
    threshold: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Above it there is drift; left out: 0.2 of `psi`, 0.1 of all others."""


class DriftLimits(Declared):
    """How far a new version may be from a reference: a check of every materialization."""

    against: str = "previous"
    """What is compared with: `previous` (the version before), `tag:NAME`, `version:NUMBER`, `dataset:NAME` (its newest version) or
    `dataset:NAME@TAG`."""
    columns: dict[str, DriftOfColumn] = Field(default_factory=dict)
    """Columns that are judged in another way than their type suggests, by name."""
    ignore: list[str] = Field(default_factory=list)
    """Columns that may change as they like."""
    share: float | None = Field(default=None, ge=0, le=1)
    """Which part of the compared columns may drift before the check fails, from 0 to 1; none may when left out."""
    missing_points: float = Field(default=MISSING_POINTS, gt=0, le=100)
    """By how many percentage points the share of missing values of a column may change."""
    severity: Literal["warn", "error"] = "warn"
    """`warn` tells it; `error` stops what depends on the table."""


class CheckedTable(TableComponent):
    """A component whose table is held to expectations."""

    checks: list[dict[str, Any]] = Field(default_factory=list)
    """Great Expectations by name: `- expect_column_values_to_not_be_null: {column: carrier}`; a class of your own by its path."""
    key: GivenKey = Field(default_factory=list)
    """The column, or columns, that tell its rows apart: rows that fail a check are named by them, and versions are compared by them."""
    on_schema_change: Policy = "accept"
    """What becomes of rows whose columns are not those of the version before: `accept` publishes them and tells what changed,
    `warn` does so with a failed check of severity warn, `fail` keeps the version before."""
    drift: DriftLimits | None = None
    """How far a new version may be from a reference, column by column; left out, drift is not looked for."""

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

    def with_drift(
        self, context: dg.ComponentLoadContext, made: dg.Definitions, asset: dg.AssetSpec
    ) -> dg.Definitions:
        """The definitions of the table, and the check of its drift if one is asked for.

        Args:
            context: of the component.
            made: of the table.
            asset: what is shown of it.

        Raises:
            ConfigError: `against` names nothing, or the table itself.
        """
        if self.drift is None:
            return made
        check = build_drift_check(asset.key, self._declared_drift(context, self.drift))
        return dg.Definitions.merge(made, dg.Definitions(asset_checks=[check]))

    def _declared_drift(
        self, context: dg.ComponentLoadContext, given: DriftLimits
    ) -> DeclaredDrift:
        settings = DriftSettings(
            columns={n: ColumnRule(one.method, one.threshold) for n, one in given.columns.items()},
            ignore=frozenset(given.ignore),
            share=given.share,
            missing_points=given.missing_points,
        )
        against = self._against(context, given)
        return DeclaredDrift(against, settings, blocking=given.severity == "error")

    def _against(self, context: dg.ComponentLoadContext, given: DriftLimits) -> str:
        with placed(context, "drift", "against"):
            found = parse_reference(given.against)
        if found.kind == "dataset" and found.name == self.name:
            raise self.refusal(
                context,
                "its drift is to be compared with itself",
                "drift",
                "against",
                hint="Use `previous`, `tag:NAME` or `version:NUMBER` for one of its own versions",
            )
        return str(found)


def _placed(context: dg.ComponentLoadContext, error: ConfigError) -> ConfigError:
    where = position(context, "checks", *cast("tuple[str | int, ...]", error.facts["path"]))
    return ConfigError(f"{where}: {error.message}", hint=error.hint)
