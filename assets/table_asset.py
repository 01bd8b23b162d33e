"""What nouns share whose asset is a table (Dataset, SqlTransform, Prediction, Embedding): attributes, their profile, and the end of a run.

A run publishes a version by its own means; then old versions go, and the UI gets the same figures for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import dagster as dg
from pydantic import BeforeValidator, Field

from assets.noun import AssetRecord, VersionedNoun
from assets.profiles.beside import profile_beside
from assets.profiles.build import ProfileSpec, When, build_profile
from resources.kernel.keys import Key
from resources.stores.resource import StoreResource
from resources.stores.tables import StoredTable, TableStore
from resources.stores.ui_metadata import column_schema, origin_texts, table_metadata

Record = TypeVar("Record")
Execute = Callable[[dg.AssetExecutionContext, Record, StoreResource], dg.MaterializeResult[None]]
"""What a run does with a declaration."""

Lineage = Mapping[str, Sequence[tuple[Key, str]]]
"""Column -> the (asset key, column) pairs that it is made of."""


class TableComponent(VersionedNoun):
    """A component whose asset is a table."""

    column_descriptions: dict[str, str] = Field(default_factory=dict)
    """What its columns mean, by name; the UI shows it beside each column's type."""


# YAML takes `off` for false unless it is quoted: both are taken.
GivenWhen = Annotated[
    When,
    dg.Resolver(
        lambda _context, value: value,
        model_field_type=Annotated[
            When, BeforeValidator(lambda value: "off" if value is False else value)
        ],
    ),
]


class ProfiledComponent(TableComponent):
    """A component whose table has a profile: Dataset, SqlTransform, Prediction."""

    profile: GivenWhen = "always"
    """When its profile is made: `always` (of each version), `on_demand`, or `off`."""

    def profiled(self, execute: Execute[Record], asset: dg.AssetSpec) -> Execute[Record]:
        """What a run does, with the profile of a small table made at its end where each version gets one.

        Args:
            execute: makes the table.
            asset: what is shown of it.
        """
        if self.profile != "always":
            return execute
        spec = self._profile_spec(asset)

        def _execute(
            context: dg.AssetExecutionContext, record: Record, store: StoreResource
        ) -> dg.MaterializeResult[None]:
            result = execute(context, record, store)
            profile_beside(context, spec, store)
            return result

        return _execute

    def with_profile(self, made: dg.Definitions, asset: dg.AssetSpec) -> dg.Definitions:
        """The definitions of the table, and the asset of its profile unless that is off.

        Args:
            made: of the table.
            asset: what is shown of it.
        """
        if self.profile == "off":
            return made
        profile = build_profile(self._profile_spec(asset))
        return dg.Definitions.merge(made, dg.Definitions(assets=[profile]))

    def _profile_spec(self, asset: dg.AssetSpec) -> ProfileSpec:
        return ProfileSpec(
            tuple(asset.key.path),
            is_automatic=self.profile == "always",
            shown={"group_name": asset.group_name, "owners": asset.owners},
            column_descriptions=self.column_descriptions,
        )


class TableRecord(AssetRecord, Protocol):
    """What a declaration says of a table."""

    @property
    def keep_versions(self) -> int:
        """How many versions are kept."""

    @property
    def column_descriptions(self) -> Mapping[str, str]:
        """Of columns, by name."""


def finish_table(
    context: dg.AssetExecutionContext,
    spec: TableRecord,
    store: TableStore,
    number: int,
    *,
    keep_days: int = 0,
) -> StoredTable:
    """The version that a run just published; older ones than are to be kept are collected.

    Args:
        context: of the run.
        spec: the declaration.
        store: where it is kept.
        number: of the version.
        keep_days: for how many days a version stays after a newer one took its place.
    """
    store.collect(spec.key, keep=spec.keep_versions, keep_days=keep_days)
    table = store.read(spec.key, number)
    unknown = sorted(set(spec.column_descriptions).difference(table.schema.names))
    if unknown:
        context.log.warning(
            "column_descriptions: the table has no column %s", ", ".join(map(repr, unknown))
        )
    return table


def table_result(
    table: StoredTable,
    extra: Mapping[str, Any],
    *,
    lead: Mapping[str, Any] | None = None,
    descriptions: Mapping[str, str] | None = None,
    checks: Iterable[dg.AssetCheckResult] = (),
) -> dg.MaterializeResult[None]:
    """The result of an asset that published `table`; its data version is the version's number.

    Args:
        table: what was published.
        extra: what its kind of asset adds.
        lead: what the page of the asset should begin with.
        descriptions: of columns.
        checks: what was found out about it on the way.
    """
    figures = table_metadata(table, descriptions=descriptions)
    return dg.MaterializeResult(
        metadata={**(lead or {}), **figures, **extra},
        data_version=dg.DataVersion(str(table.version.number)),
        check_results=list(checks),
    )


def lineage_property(lineage: Lineage) -> dict[str, list[list[str]]]:
    """Where each column comes from, as a version's manifest records it: noun, name and column."""
    return {
        column: [[*key, origin] for key, origin in origins] for column, origins in lineage.items()
    }


def lineage_metadata(table: StoredTable, descriptions: Mapping[str, str]) -> dict[str, Any]:
    """What the manifest records of it: for Dagster, and beside descriptions of columns, which its open-source UI shows."""
    properties: Mapping[str, Any] = table.version.properties
    recorded: dict[str, list[list[str]]] = properties["lineage"]
    named = {
        column: [(key[-1], origin) for *key, origin in origins]
        for column, origins in recorded.items()
    }
    return {
        "dagster/column_lineage": dg.TableColumnLineage(
            deps_by_column={
                column: [
                    dg.TableColumnDep(asset_key=dg.AssetKey(key), column_name=origin)
                    for *key, origin in origins
                ]
                for column, origins in recorded.items()
            }
        ),
        "dagster/column_schema": column_schema(
            table.schema, _joined(descriptions, origin_texts(named))
        ),
    }


def _joined(meanings: Mapping[str, str], origins: Mapping[str, str]) -> dict[str, str]:
    """`Minutes late (from flights.arr_delay)`: what a column means, and where it comes from."""
    both = {c: f"{meanings[c]} ({origins[c]})" for c in meanings if c in origins}
    return {**origins, **meanings, **both}
