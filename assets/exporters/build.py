"""From an exporter's declaration to a graph asset: one node in lineage, two ops in a run.

The first op pins the version to deliver, the second is the sink. What passes between them is a small record, kept
by the `handles` IO manager so that the ops may run in different processes.

A run may ask for another dataset, or an older version (`assets/exporters/choice.py`). The asset's lineage says that it was
made of what is declared, in its newest version; so a delivery of anything else materializes nothing. It is an observation
of the exporter and of the dataset, with what went out, and whoever waits for the declared dataset still waits.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import dagster as dg

from assets.boundary import RETRIES, boundary
from assets.exporters.choice import CHOICE_SCHEMA, Pinned, pin
from assets.exporters.spec import ExporterSpec
from assets.exporters.targets import TARGETS
from assets.logical_run import logical_run
from resources.stores.resource import StoreResource


def deliver_version(
    context: dg.OpExecutionContext, spec: ExporterSpec, store: StoreResource, version: int
) -> dg.Output[None]:
    """Delivers a version into the target: all of its rows, at once, exactly once."""
    with boundary():
        table = store.tables().read(spec.source, version)
        resource = getattr(context.resources, spec.connector)
        delivered = TARGETS[spec.target].deliver(spec, resource, table, logical_run(context))
    for warning in delivered.warnings:
        context.log.warning(warning)
    return dg.Output(None, metadata=dict(delivered.facts))


Execute = Callable[[dg.OpExecutionContext, ExporterSpec, StoreResource, int], dg.Output[None]]


def build_exporter(
    spec: ExporterSpec, *, asset: dg.AssetSpec | None = None, execute: Execute = deliver_version
) -> dg.Definitions:
    """The graph asset `("exports", name)`.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        execute: what the sink does.
    """
    asset = asset or spec.asset_spec()
    pin = _pin_op(spec)
    deliver = _deliver_op(spec, execute)

    @dg.graph_asset(
        key=asset.key,
        ins={"dataset": dg.AssetIn(dg.AssetKey(spec.source), dagster_type=dg.Nothing)},
        group_name=asset.group_name,
        description=asset.description,
        metadata=asset.metadata,
        tags=asset.tags,
        owners=asset.owners,
        code_version=asset.code_version,
        automation_condition=asset.automation_condition,
    )
    def _export(dataset):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - a composition: Dagster passes handles, not values
        return deliver(pin(dataset))

    return dg.Definitions(assets=[_export])


def _pin_op(spec: ExporterSpec) -> dg.OpDefinition:
    @dg.op(
        name=f"pin_{spec.name}",
        description=f"Settles which version of {spec.source_name} is delivered, or of the dataset that the run asks for",
        ins={"dataset": dg.In(dg.Nothing)},
        out=dg.Out(io_manager_key="handles"),
        config_schema=CHOICE_SCHEMA,
        retry_policy=RETRIES,
    )
    def _pin(context: dg.OpExecutionContext, store: StoreResource) -> dg.Output[dict[str, Any]]:
        with boundary():
            pinned = pin(spec, store.tables(), context.op_config)
        sent = replace(spec, source=pinned.source)
        context.log.info("%s, version %s: %s rows", sent.source_name, pinned.version, pinned.rows)
        facts: dict[str, Any] = {
            "source": sent.source_name,
            "source version": pinned.version,
        }
        return dg.Output(pinned.to_handle(), metadata=facts)

    return _pin


def _deliver_op(spec: ExporterSpec, execute: Execute) -> dg.OpDefinition:
    @dg.op(
        name=f"deliver_{spec.name}",
        description=f"Writes the rows into {spec.table}: all of them, at once, exactly once",
        ins={"pinned": dg.In()},
        out=dg.Out(io_manager_key="handles", is_required=False),
        required_resource_keys={"store", spec.connector},
        retry_policy=RETRIES,
        tags={"kind": "sink"},
    )
    def _deliver(
        context: dg.OpExecutionContext, pinned: dict[str, Any]
    ) -> Iterator[dg.Output[None]]:
        handed = Pinned.of_handle(pinned)
        sent = replace(spec, source=handed.source)
        output = execute(context, sent, context.resources.store, handed.version)
        if handed.is_declared:
            yield output
            return
        for key in (spec.key, handed.source):
            facts: dict[str, Any] = {**output.metadata, "exporter": spec.name}
            context.log_event(dg.AssetObservation(dg.AssetKey(key), metadata=facts))

    return _deliver
