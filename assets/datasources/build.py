"""From a datasource's declaration to an observable source asset.

Made as an `AssetsDefinition` at once: a `dg.SourceAsset` becomes one each time that Dagster lists the assets of the
code location, and builds its op each time that somebody asks for its resources.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Sequence

import dagster as dg

from assets.boundary import boundary
from assets.settling import settle_seconds
from assets.single_op import OpParts, build_observed
from resources.kernel.keys import asset_key
from resources.sources.open import open_source
from resources.sources.source import Fingerprint
from resources.sources.spec import SourceSpec


def build_datasource(
    spec: SourceSpec, *, kind: str, observe: str = "", description: str = ""
) -> dg.Definitions:
    """The source asset; its data version is the source's fingerprint.

    Args:
        spec: the declaration.
        kind: icon in the UI: `s3`, `postgres`, ...
        observe: cron of a schedule that observes the asset; none when empty.
        description: shown in the UI.
    """
    key = dg.AssetKey(asset_key("datasources", spec.name))

    declared = dg.AssetSpec(
        key,
        group_name="datasources",
        description=description or f"{spec.target} of connector {spec.connector}",
        metadata={
            "connector": spec.connector,
            "target": spec.target,
            "fingerprint by": str(spec.fingerprint),
            "fingerprint can miss": spec.fingerprint.can_miss(holds=spec.holds),
        },
        tags={f"dagster/kind/{kind}": ""},
    )

    def _observe(context: dg.AssetExecutionContext) -> dg.ObserveResult:
        with boundary():
            source = open_source(getattr(context.resources, spec.connector), spec)
            source = source.at_rest(settle_seconds(spec, context.run.tags))
            found = source.fingerprint()
        for sentence in source.left_out:
            context.log.warning(sentence)
        return dg.ObserveResult(
            data_version=dg.DataVersion(found.version), metadata=_metadata(found, source.left_out)
        )

    schedules = [_schedule(spec.name, key, observe)] if observe else []
    observed = build_observed(declared, _observe, OpParts(frozenset({spec.connector})))
    return dg.Definitions(assets=[observed], schedules=schedules)


def _schedule(name: str, key: dg.AssetKey, cron: str) -> dg.ScheduleDefinition:
    job = dg.define_asset_job(
        f"observe_{name}",
        selection=dg.AssetSelection.assets(key).without_checks(),
        description=f"Looks whether datasource {name} changed",
    )
    return dg.ScheduleDefinition(
        name=f"observe_{name}",
        job=job,
        cron_schedule=cron,
        default_status=dg.DefaultScheduleStatus.RUNNING,
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
