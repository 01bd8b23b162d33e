"""What two projects of one workspace declare alike although the server has it once. Imports no Dagster.

Asset keys are names of the whole server: its store keeps one dataset of a name, its catalog one classification set, and
Dagster one history. Connectors and pipelines belong to their project, but for what a pipeline's sensor has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestration.services.snapshot import Snapshot
from resources.kernel.errors import said

_ONCE = ("datasource", "model", "exporter", "classification set")
"""Nouns beside datasets and embeddings whose things are assets, or stand in the catalog."""
_Thing = tuple[str, str]


def clashes_of(projects: Mapping[str, Snapshot]) -> dict[str, tuple[str, ...]]:
    """For each project a line for each thing that another one declares as well.

    Args:
        projects: what each declares, by its name.
    """
    declared_in: dict[_Thing, list[str]] = {}
    for name, snapshot in projects.items():
        for thing in sorted(set(_things(snapshot))):
            declared_in.setdefault(thing, []).append(name)
    found: dict[str, list[str]] = {name: [] for name in projects}
    for thing, names in declared_in.items():
        for name in names if len(names) > 1 else ():
            others = ", ".join(other for other in names if other != name)
            found[name].append(_line(projects[name], thing, others))
    return {name: tuple(lines) for name, lines in found.items()}


def _things(snapshot: Snapshot) -> Iterator[_Thing]:
    for entry in (*snapshot.datasets, *snapshot.image_folders):
        yield "dataset", entry.name
    for embedding in snapshot.embeddings:
        yield "embedding", embedding.name
    for one in snapshot.declarations:
        if one.noun in _ONCE:
            yield one.noun, one.name
    for pipeline in snapshot.pipelines:
        if pipeline.sensors:
            yield "pipeline with a sensor", pipeline.name


def _line(snapshot: Snapshot, thing: _Thing, others: str) -> str:
    noun, name = thing
    places = (
        f"{one.file}:{one.line}: "
        for one in snapshot.declarations
        if one.name == name and (one.noun == noun or noun.startswith(one.noun) or noun == "dataset")
    )
    return (
        f"{next(places, '')}{said(noun)} {name!r} is declared by {others} as well, and this server keeps one of that name:"
        " each would overwrite the other. Rename one of them"
    )
