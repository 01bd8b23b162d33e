"""The asset `(..., NAME, "profile")` of a table: downstream of it, made when the table has a new version, or on demand.

A step of its own: one that fails leaves the table as it is, and its run tells why. Of a small table it is made at the end of the
run that made the table (`beside.py`): to start a process would cost more than the profile.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import dagster as dg

from assets.boundary import RETRIES, boundary
from assets.noun import PAGE_LABEL, page_of
from assets.profiles.shown import profile_metadata
from assets.refresh import automation_from_the_start
from assets.single_op import OpParts, build_materialized, config_of
from resources.kernel.keys import Key, noun_of_key
from resources.profiles.collecting import collect_profiles
from resources.profiles.kept import ORIGIN, kept_profiles, profile_in, profile_key
from resources.profiles.making import make_profile, profile_among
from resources.stores.resource import StoreResource

When = Literal["always", "on_demand", "off"]
"""When a table is profiled: each version, when somebody asks, never (and then there is no such asset)."""

PROFILE_CONFIG = config_of(
    {
        "version": dg.Field(int, default_value=0, description="Which version; 0: the newest"),
        "force": dg.Field(
            bool, default_value=False, description="Also if it has a profile already"
        ),
    }
)


@dataclass(frozen=True)
class ProfileSpec:
    """The profile of a table.

    Args:
        table: key of the table.
        is_automatic: whether each version gets one by itself.
        shown: what its asset has in common with the table's: group, owners.
        column_descriptions: of the table's columns.
    """

    table: Key
    is_automatic: bool = True
    shown: Mapping[str, Any] = field(default_factory=dict)
    column_descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Its asset key, and its place in the store."""
        return profile_key(self.table)

    def asset_spec(self) -> dg.AssetSpec:
        """The asset as Waybill shows it."""
        return dg.AssetSpec(
            dg.AssetKey(self.key),
            deps=[dg.AssetKey(self.table)],
            description=f"What is in {self.table[-1]}: its columns, their values, and how they go together",
            automation_condition=automation_from_the_start() if self.is_automatic else None,
            kinds={"duckdb"},
            metadata={"origin": ORIGIN, PAGE_LABEL: dg.MetadataValue.url(page_of(self.table))},
            **self.shown,
        )


def build_profile(spec: ProfileSpec) -> dg.AssetsDefinition:
    """The asset of a table's profile."""
    pool = "/".join(["profile", noun_of_key(spec.table), *spec.table[1:]])
    parts = OpParts(frozenset({"store"}), config=PROFILE_CONFIG, retries=RETRIES, pool=pool)

    def _profile(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return profile_table(context, spec, context.resources.store)

    return build_materialized(spec.asset_spec(), _profile, parts)


def profile_table(
    context: dg.AssetExecutionContext, spec: ProfileSpec, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Profiles the version that is asked for, unless it has a profile."""
    asked = context.op_execution_context.op_config
    with boundary():
        tables = store.tables()
        table = tables.read(spec.table, asked["version"] or None)
        number, found = table.version.number, kept_profiles(tables, spec.table)
        kept = None if asked["force"] else profile_among(found, number)
        if kept is not None:
            profile, is_new = profile_in(tables, spec.table, kept), False
        else:
            profile, is_new = make_profile(
                tables,
                spec.table,
                table,
                run_id=context.run.run_id,
                attempt=context.retry_number,
                tell=context.log.debug,
                found=found,
            )
        collect_profiles(tables, spec.table, found)
    return dg.MaterializeResult(
        metadata=profile_metadata(profile, spec.column_descriptions, is_new=is_new),
        data_version=dg.DataVersion(str(number)),
    )
