"""What run config may set, and the one thing that Dagster offers there and Waybill refuses: a pickle to load.

An input of an op that nothing is connected to may be given at launch, and Dagster then also takes
`{pickle: {path: ...}}` for it: a user who may launch a run could have any file unpickled, which is to run it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeGuard

import dagster as dg

from resources.kernel.errors import ConfigError


def settable(config_type: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The places below a config type and the type that each takes: `ops:load:config:rows`, its `Int`."""
    fields = getattr(config_type, "fields", None)
    if fields is not None:
        if _is_selector(config_type):
            yield path, config_type
        for name, field in fields.items():
            yield from settable(field.config_type, f"{path}:{name}".lstrip(":"))
        return
    inner = [
        getattr(config_type, name)
        for name in ("inner_type", "scalar_type", "non_scalar_type")
        if hasattr(config_type, name)
    ]
    for part in inner:
        yield from settable(part, path)
    if not inner:
        yield path, config_type


def check_no_pickles(loaded: dg.Definitions) -> None:
    """No job may take a pickle at launch.

    Raises:
        ConfigError: an op of the users' own has an input that nothing is connected to; names job, op and input.
    """
    for where, graph in _graphs(loaded):
        for place in _open_inputs(graph):
            raise ConfigError(
                f"{where}: the input {place} is connected to nothing, so a launch could give it as a pickle,"
                " which runs whatever program the pickle holds",
                hint="Connect it to another op's output, or take the value as config of the op",
            )


def _graphs(loaded: dg.Definitions) -> Iterator[tuple[str, dg.GraphDefinition]]:
    for job in loaded.jobs or []:
        if isinstance(job, dg.JobDefinition):
            yield f"job {job.name!r}", job.graph
    for assets in loaded.assets or []:
        graph = assets.node_def if _is_executable(assets) else None
        if isinstance(graph, dg.GraphDefinition):
            yield f"asset {graph.name!r}", graph


def _open_inputs(graph: dg.GraphDefinition) -> Iterator[str]:
    """Inputs of its ops, at any depth, that a launch would have to give and may give as a pickle."""
    connected = {
        (node.alias or node.name if isinstance(node, dg.NodeInvocation) else node, name)
        for node, inputs in graph.dependencies.items()
        for name in inputs
    }
    # What comes from outside of a graph is judged where the graph is used.
    connected |= {(m.mapped_node_name, m.mapped_node_input_name) for m in graph.input_mappings}
    for node in graph.nodes:
        for name, found in node.definition.input_dict.items():
            if (node.name, name) not in connected and _takes_pickles(found.dagster_type):
                yield f"{name!r} of {node.name!r}"
        if isinstance(node.definition, dg.GraphDefinition):
            yield from _open_inputs(node.definition)


def _takes_pickles(kind: dg.DagsterType) -> bool:
    loader = kind.loader
    return loader is not None and any(
        "pickle" in getattr(found, "fields", ()) for _, found in settable(loader.schema_type)
    )


def _is_selector(config_type: Any) -> bool:
    return bool(config_type.kind.name == "SELECTOR")


def _is_executable(item: Any) -> TypeGuard[dg.AssetsDefinition]:
    return isinstance(item, dg.AssetsDefinition) and item.is_executable
