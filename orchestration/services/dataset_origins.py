"""Where a dataset comes from, in four words that follow from what is declared alone.

| origin | which datasets |
|---|---|
| `upload` | those that people fill with files: uploads, classification sets |
| `datasource` | imported from a data source |
| `pipeline intermediate` | made by SQL, a prediction or Python, in pipelines of which none ends in it |
| `pipeline output` | all others that are made by SQL, a prediction or Python |

A pipeline is a job that makes assets: those of `orchestration.Pipeline` and of users' Python alike, not the one job of
Dagster's that can make any asset. It ends in a table when it makes no other table and no model of it; exporters and
embeddings show and deliver a table, they make no other. A table that no pipeline makes is judged as if all assets were
one pipeline. Neither runs nor what is stored have a say, so an origin changes with the declarations only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestration.services.dataset_list import DATASOURCE, INTERMEDIATE, OUTPUT, UPLOAD
from resources.kernel.keys import Key

_FILLED_BY_PEOPLE = ("upload", "classification")
_MAKES_TABLES = ("dataset", "model")
"""Nouns whose making uses a table up, so to speak: what they are made of is an intermediate result."""


@dataclass(frozen=True)
class AssetFacts:
    """What has to be known of an asset.

    Args:
        key: its asset key.
        noun: `dataset`, `model`, `exporter` ...
        upstream: keys of what it is made from.
        maker: what its maker says of itself; empty when it says nothing.
    """

    key: Key
    noun: str
    upstream: tuple[Key, ...] = ()
    maker: str = ""


def origins_of(assets: Sequence[AssetFacts], jobs: Iterable[Collection[Key]]) -> dict[Key, str]:
    """The origin of each dataset.

    Args:
        assets: all of the project.
        jobs: of each pipeline the keys of the assets that it makes.
    """
    users = _users(assets)
    everything = frozenset(asset.key for asset in assets)
    selections = [frozenset(job) for job in jobs]
    return {
        asset.key: _origin(asset, users.get(asset.key, ()), selections, everything)
        for asset in assets
        if asset.noun == "dataset"
    }


def _users(assets: Sequence[AssetFacts]) -> dict[Key, list[Key]]:
    """The tables and models that are made of each asset."""
    found: dict[Key, list[Key]] = {}
    for asset in assets:
        if asset.noun in _MAKES_TABLES:
            for key in asset.upstream:
                if key != asset.key:
                    found.setdefault(key, []).append(asset.key)
    return found


def _origin(
    asset: AssetFacts,
    users: Collection[Key],
    selections: Sequence[frozenset[Key]],
    everything: frozenset[Key],
) -> str:
    if asset.maker in _FILLED_BY_PEOPLE:
        return UPLOAD
    if asset.maker == "datasource":
        return DATASOURCE
    pipelines = [s for s in selections if asset.key in s] or [everything]
    ends = [not pipeline.intersection(users) for pipeline in pipelines]
    return OUTPUT if any(ends) else INTERMEDIATE


def pipelines_of(jobs: Mapping[str, Collection[Key]]) -> dict[Key, list[str]]:
    """The pipelines that make each asset, by name, in order."""
    found: dict[Key, list[str]] = {}
    for name in sorted(jobs):
        for key in jobs[name]:
            found.setdefault(key, []).append(name)
    return found
