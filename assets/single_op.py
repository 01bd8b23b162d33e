"""An asset and the one op that makes or observes it, put together from parts.

Dagster's decorators find out what an asset takes and gives by inspecting its function, sixteen times over: 1.2 ms of CPU
each. For thousands of assets of one noun the answer is always the same; here the noun gives it. What comes out is what the
decorators would have made: `test_single_op.py` holds both side by side.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType

Result = dg.MaterializeResult[None] | dg.ObserveResult
Compute = Callable[[dg.AssetExecutionContext], Result]

_RESULT = "result"
"""What Dagster calls the output of an op that has one."""


def config_of(fields: Mapping[str, dg.Field]) -> Any:
    """What may be said of an op at launch, read once for all ops of a noun."""
    return dg.OpDefinition(_nothing, name="launched", config_schema=dict(fields)).config_schema


def _nothing(context: dg.OpExecutionContext, inputs: object) -> None:
    """An op that only has a config."""


_NO_CONFIG = config_of({})


@dataclass(frozen=True)
class OpParts:
    """What an op has beside its asset."""

    resources: frozenset[str]
    """Keys of the resources that its function takes."""
    config: Any = _NO_CONFIG
    """Of `config_of`."""
    retries: dg.RetryPolicy | None = None
    pool: str | None = None
    checks: tuple[dg.AssetCheckSpec, ...] = ()
    """Checks that its function may report beside what it made."""


def build_materialized(spec: dg.AssetSpec, compute: Compute, parts: OpParts) -> dg.AssetsDefinition:
    """The asset that `compute` makes: what `@dg.asset` builds of its arguments."""
    op = _op(spec, compute, parts, output=_RESULT, description=spec.description)
    return _asset(spec, op, AssetExecutionType.MATERIALIZATION, parts.checks)


def build_observed(spec: dg.AssetSpec, compute: Compute, parts: OpParts) -> dg.AssetsDefinition:
    """The source that `compute` observes: what `@dg.multi_observable_source_asset` builds of its arguments."""
    op = _op(spec, compute, parts, output=spec.key.to_python_identifier(), description=None)
    return _asset(spec, op, AssetExecutionType.OBSERVATION)


def _op(
    spec: dg.AssetSpec, compute: Compute, parts: OpParts, *, output: str, description: str | None
) -> dg.OpDefinition:
    def _run(context: dg.AssetExecutionContext, _inputs: object) -> Iterator[Result]:
        yield compute(context)

    return dg.OpDefinition(
        _run,
        name=spec.key.to_python_identifier(),
        ins={_input_name(dep.asset_key): _NOTHING for dep in spec.deps},
        outs={
            output: dg.Out(
                dg.Nothing,
                description=spec.description,
                metadata=spec.metadata,
                code_version=spec.code_version,
            ),
            # Not required: a function of somebody's own may leave them out.
            **{
                check.get_python_identifier(): dg.Out(dagster_type=None, is_required=False)
                for check in parts.checks
            },
        },
        description=description,
        config_schema=parts.config,
        required_resource_keys=parts.resources,
        retry_policy=parts.retries,
        code_version=spec.code_version,
        pool=parts.pool,
    )


_NOTHING = dg.In(dg.Nothing)


def _input_name(key: dg.AssetKey) -> str:
    """As Dagster names the input for a dependency."""
    return "_".join(key.path).replace("-", "_").replace(".", "_")


def _asset(
    spec: dg.AssetSpec,
    op: dg.OpDefinition,
    execution_type: AssetExecutionType,
    checks: Sequence[dg.AssetCheckSpec] = (),
) -> dg.AssetsDefinition:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of `execution_type`
        return dg.AssetsDefinition(
            node_def=op,
            keys_by_input_name={_input_name(dep.asset_key): dep.asset_key for dep in spec.deps},
            keys_by_output_name={op.output_defs[0].name: spec.key},
            specs=[spec],
            check_specs_by_output_name={one.get_python_identifier(): one for one in checks},
            execution_type=execution_type,
        )
