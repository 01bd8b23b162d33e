"""The profile of a small table at the end of the run that made it, told to Dagster as what its own step would have told.

What goes wrong here is a warning: the table is made, and the profile's own asset is due and will say why it fails.
"""

from __future__ import annotations

import dagster as dg

from assets.profiles.build import ProfileSpec
from assets.profiles.shown import profile_metadata
from resources.profiles.collecting import collect_profiles
from resources.profiles.kept import kept_profiles
from resources.profiles.making import make_profile, profile_among
from resources.stores.resource import StoreResource
from resources.stores.tables import StoredTable

MOST_CELLS = 500_000
"""About half a second of processor time; a process that starts takes several. Larger tables are profiled in a run of their own, so
that nobody waits for it who only needs the table."""
MOST_COLUMNS = 400
"""Each costs about a millisecond, however few its rows are."""
MOST_BYTES = 50_000_000


def profile_beside(
    context: dg.AssetExecutionContext, spec: ProfileSpec, store: StoreResource
) -> None:
    """Makes the profile of the newest version if that is small and has none."""
    try:
        tables = store.tables()
        table = tables.read(spec.table)
        if not _is_small(table):
            return
        found = kept_profiles(tables, spec.table)
        if profile_among(found, table.version.number) is not None:
            return
        profile, is_new = make_profile(
            tables,
            spec.table,
            table,
            run_id=context.run.run_id,
            attempt=context.retry_number,
            found=found,
        )
        collect_profiles(tables, spec.table, found)
    except Exception as error:  # noqa: BLE001 - whatever it is, the table is made
        context.log.warning("Its profile could not be made beside it: %s", error)
        return
    context.log_event(
        dg.AssetMaterialization(
            dg.AssetKey(spec.key),
            metadata=profile_metadata(profile, spec.column_descriptions, is_new=is_new),
            tags=_provenance(context, spec, str(profile.of.version)),
        )
    )


def _is_small(table: StoredTable) -> bool:
    columns = len(table.schema)
    is_small = columns <= MOST_COLUMNS and table.rows * columns <= MOST_CELLS
    return is_small and table.version.size_bytes <= MOST_BYTES


def _provenance(
    context: dg.AssetExecutionContext, spec: ProfileSpec, version: str
) -> dict[str, str]:
    """What a step's own event says of data: its version, and that of the table it was made from.

    Dagster writes these tags for what a step is declared to make alone. Without them it compares times: the table's event comes after
    this one, and the profile would be shown as out of date for good.
    """
    table = "/".join(spec.table)
    return {
        "dagster/data_version": version,
        "dagster/code_version": context.run.run_id,
        f"dagster/input_data_version/{table}": version,
        f"dagster/input_event_pointer/{table}": "NULL",
    }
