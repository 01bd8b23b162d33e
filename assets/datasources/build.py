"""From a data source's declaration to an observable source asset.

Made as an `AssetsDefinition` at once: a `dg.SourceAsset` becomes one each time that Dagster lists the assets of the
code location, and builds its op each time its resources are asked for.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.noun import make_asset_spec
from assets.settling import settle_seconds
from assets.single_op import OpParts, build_observed
from resources.kernel.keys import Key, asset_key
from resources.sources.open import open_source
from resources.sources.source import Fingerprint
from resources.sources.spec import SourceSpec


@dataclass(frozen=True)
class DatasourceSpec:
    """What a data source says."""

    source: SourceSpec
    kind: str
    """Icon in the UI: `s3`, `postgres`, ..."""

    @property
    def key(self) -> Key:
        """Its asset key."""
        return asset_key("datasources", self.source.name)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        source = self.source
        return make_asset_spec(
            self.key,
            given,
            kinds={self.kind},
            description=f"{source.target} of connector {source.connector}",
            metadata={
                "connector": source.connector,
                "target": source.target,
                "fingerprint by": str(source.fingerprint),
                "fingerprint can miss": source.fingerprint.can_miss(holds=source.holds),
            },
        )


Execute = Callable[[dg.AssetExecutionContext, DatasourceSpec], dg.ObserveResult]


def observe_source(context: dg.AssetExecutionContext, spec: DatasourceSpec) -> dg.ObserveResult:
    """Looks at the source: its fingerprint is the asset's data version."""
    with boundary():
        source = open_source(getattr(context.resources, spec.source.connector), spec.source)
        source = source.at_rest(settle_seconds(spec.source, context.run.tags))
        found = source.fingerprint()
    for sentence in source.left_out:
        context.log.warning(sentence)
    return dg.ObserveResult(
        data_version=dg.DataVersion(found.version), metadata=_metadata(found, source.left_out)
    )


def build_datasource(
    spec: DatasourceSpec,
    *,
    asset: dg.AssetSpec | None = None,
    observe: str = "",
    execute: Execute = observe_source,
) -> dg.Definitions:
    """The source asset and its schedule.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        observe: cron of a schedule that observes the asset; none when empty.
        execute: what a run does.
    """
    asset = asset or spec.asset_spec()

    def _observe(context: dg.AssetExecutionContext) -> dg.ObserveResult:
        return execute(context, spec)

    schedules = [_schedule(spec, observe)] if observe else []
    observed = build_observed(asset, _observe, OpParts(frozenset({spec.source.connector})))
    return dg.Definitions(assets=[observed], schedules=schedules)


def _schedule(spec: DatasourceSpec, cron: str) -> dg.ScheduleDefinition:
    """A schedule of its own, no automation condition: it has a switch, a history and a next tick in the UI."""
    name = f"observe_{spec.source.name}"
    job = dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(dg.AssetKey(spec.key)).without_checks(),
        description=f"Looks whether data source {spec.source.name} changed",
    )
    return dg.ScheduleDefinition(
        name=name, job=job, cron_schedule=cron, default_status=dg.DefaultScheduleStatus.RUNNING
    )


def _metadata(found: Fingerprint, left_out: Sequence[str]) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {"fingerprint": dg.MetadataValue.text(found.version)}
    if left_out:
        metadata["left out"] = dg.MetadataValue.text("\n".join(left_out[:50]))
    for name, value in found.facts.items():
        if isinstance(value, int):
            metadata[name] = dg.MetadataValue.int(value)
        elif isinstance(value, list):
            metadata[name] = dg.MetadataValue.json(value)
        else:
            metadata[name] = dg.MetadataValue.text(str(value))
    return metadata
