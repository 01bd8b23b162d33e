"""Partitions as Dagster has them: what tells them apart, which one a run is for, which a step reads and has to write.

How they are kept is `partitions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from resources.kernel.errors import InputError, NotFoundError, UnknownNameError
from resources.stores.partitions import Replaced
from resources.stores.tables import StoredTable

ALLOW_MISSING_KEY = "allow_missing_partitions"
"""Key of an input's metadata, as for Dagster's own IO managers: partitions that were never stored are left out."""

_SHOWN = 5
_CHOOSE = "Choose one: `--partition KEY`, or in the UI where the run is launched"


def tags_of_partition(
    name: str,
    partitions: dg.PartitionsDefinition[Any] | None,
    key: str,
    instance: dg.DagsterInstance,
) -> dict[str, str]:
    """Tags that make a run one of the partition `key`; none for what has no partitions.

    Args:
        name: what is made, for errors.
        partitions: how it is partitioned.
        key: the partition, as Dagster writes it; of several dimensions in the order of their names: `2024-01-02|north`.
        instance: knows which dynamic partitions there are.

    Raises:
        InputError: it has partitions and no key is given, or a key is given and it has none.
        UnknownNameError: it has no partition of that key.
    """
    if partitions is None:
        if key:
            raise InputError(f"{name} has no partitions", hint="Leave out `--partition`")
        return {}
    with dg.partition_loading_context(dynamic_partitions_store=instance):
        if not key:
            raise InputError(
                f"{name} has partitions, and a run makes one of them",
                hint=f"{_CHOOSE}. {_known_keys(partitions)}",
            )
        if not partitions.has_partition_key(key):
            raise UnknownNameError(f"partition of {name}", key, partitions.get_partition_keys())
        return dict(partitions.get_tags_for_partition_key(key))


def _known_keys(partitions: dg.PartitionsDefinition[Any]) -> str:
    keys = partitions.get_partition_keys()
    if not keys:
        return "There are none yet"
    return f"There are {len(keys)}, the last ones: {', '.join(keys[-_SHOWN:])}"


def replaced_partitions(context: dg.OutputContext) -> Replaced | None:
    """The partitions that a step makes; None for an asset that has none.

    Raises:
        InputError: the asset has partitions, and its run is of none of them: its result would replace all rows.
    """
    try:
        partitions = context.asset_partitions_def
    except dg.DagsterInvariantViolationError:
        return None
    if not context.has_asset_partitions:
        raise InputError(
            f"{context.asset_key.to_user_string()} has partitions, and this run is for none of them",
            hint=_CHOOSE,
        )
    keys = frozenset(map(str, context.asset_partition_keys))
    return Replaced(_told_apart_by(partitions), keys)


def select_partitions(context: dg.InputContext, table: StoredTable) -> StoredTable:
    """The partitions of `table` that a step reads: by the mapping between the asset and its input.

    A reader without partitions that has no mapping of its own sees what SQL sees: the whole table, and not an error
    for each partition that is still to come.

    Raises:
        NotFoundError: one of them was never stored, and the input does not allow that.
    """
    if table.version.partitioned_by is None:
        raise NotFoundError(
            f"{table.name}: version {table.version.number} was stored before the asset had partitions",
            hint="Materialize the partitions first",
        )
    if _reads_all(context):
        return table
    wanted = list(map(str, context.asset_partition_keys))
    if (context.definition_metadata or {}).get(ALLOW_MISSING_KEY):
        stored = set(table.partitions)
        wanted = [key for key in wanted if key in stored] or wanted
    return table.of_partitions(wanted)


def values_by_partition(obj: Any, replaced: Replaced, *, where: str) -> dict[str, Any]:
    """What a step returned, for each of its partitions.

    Raises:
        InputError: several partitions, and no mapping that has each of them.
    """
    if not isinstance(obj, Mapping):
        if len(replaced.keys) == 1:
            return dict.fromkeys(replaced.keys, obj)
        raise InputError(
            f"{where}: one run makes {len(replaced.keys)} partitions, but returned one {type(obj).__name__}",
            hint="Return a dict with a table for each key of context.partition_keys, or leave out"
            " backfill_policy: each partition is then made by a run of its own",
        )
    if obj.keys() != replaced.keys:
        odd = sorted(map(repr, obj.keys() ^ replaced.keys))
        raise InputError(
            f"{where}: the keys of the returned dict are not the partitions of the run;"
            f" {', '.join(odd[:10])} are in one of both only",
            hint="Return a table for each key of context.partition_keys; it may have no rows",
        )
    return {key: obj[key] for key in sorted(obj)}


def _reads_all(context: dg.InputContext) -> bool:
    """Whether Dagster maps all partitions because nothing else was said.

    Not told by the keys: a time partition may begin between the mapping and the read.
    """
    step = context.step_context
    reader = step.job_def.asset_layer.get_assets_def_for_node(step.node_handle)
    if reader is None or step.entity_partitions_def is not None:
        return False
    mapping = reader.get_partition_mapping(context.asset_key)
    return mapping is None or isinstance(mapping, dg.AllPartitionMapping)


def _told_apart_by(partitions: dg.PartitionsDefinition[Any]) -> str:
    """A text that stays while keys come and go, and changes when they mean something else."""
    if isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return f"time {partitions.cron_schedule} {partitions.timezone} {partitions.fmt}"
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        return f"dynamic {partitions.name}"
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        parts = sorted(
            f"{dimension.name}: {_told_apart_by(dimension.partitions_def)}"
            for dimension in partitions.partitions_defs
        )
        return "; ".join(parts)
    return "static"
