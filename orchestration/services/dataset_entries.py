"""What is declared of datasets, as records that lists and pages work with; needs the loaded project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import dagster as dg

from assets.classifications.component import ClassificationSet
from assets.datasets.component import Dataset
from assets.image_folders.table import MEANINGS
from assets.models.component import Prediction
from assets.refresh import refresh_of
from assets.table_asset import TableComponent
from assets.transforms.component import SqlTransform
from orchestration.dagster_warnings import without_dagster_warnings
from orchestration.location import Location
from orchestration.services.dataset_list import UPLOAD, DatasetEntry, DeclaredCheck
from orchestration.services.dataset_origins import AssetFacts, origins_of, pipelines_of
from resources.drift.declared import PROPERTY as DRIFT
from resources.kernel.keys import IMAGE_FOLDER, ROW_KEY, Key, asset_key
from resources.profiles.kept import ORIGIN as PROFILE
from resources.profiles.kept import profile_key
from resources.references import declared_in

_TABLES: tuple[type[TableComponent], ...] = (Dataset, SqlTransform, Prediction)
"""Component types whose asset is a dataset that runs make."""


def dataset_entries(location: Location) -> list[DatasetEntry]:
    """What is declared of each dataset, in order of name."""
    declared, about = _declared(location), _about(location)
    return [
        about.entry(name, spec, declared.get(tuple(spec.key.path)))
        for name, spec in location.datasets().items()
    ]


def image_folder_entries(location: Location) -> list[DatasetEntry]:
    """What is declared of each image folder, in order of name."""
    folders = location.made(IMAGE_FOLDER)
    if not folders:
        return []
    about = _about(location)
    found = [about.entry(name, spec, MEANINGS) for name, spec in folders.items()]
    return [replace(entry, noun=IMAGE_FOLDER) for entry in found]


def _about(location: Location) -> _About:
    jobs = location.asset_jobs()
    return _About(
        origins_of(_facts(location), jobs.values()),
        pipelines_of(jobs),
        _readers(location),
        _checks(location),
        _materializable(location),
        _profiles(location),
    )


class _About:
    """What the whole project says of each dataset."""

    def __init__(
        self,
        origins: Mapping[Key, str],
        pipelines: Mapping[Key, list[str]],
        readers: Mapping[Key, list[str]],
        checks: Mapping[Key, list[dg.AssetCheckSpec]],
        materializable: frozenset[Key],
        profiles: Mapping[Key, str],
    ) -> None:
        self._origins, self._pipelines, self._readers = origins, pipelines, readers
        self._checks, self._materializable, self._profiles = checks, materializable, profiles

    def entry(
        self, name: str, spec: dg.AssetSpec, columns: Mapping[str, str] | None
    ) -> DatasetEntry:
        key = tuple(spec.key.path)
        return DatasetEntry(
            name=name,
            origin=self._origins.get(key, UPLOAD),
            key=key,
            maker=maker_of(spec),
            description=spec.description or "",
            owners=tuple(spec.owners),
            kinds=tuple(sorted(spec.kinds)),
            group=spec.group_name or "",
            made_from=tuple(sorted(dep.asset_key.to_user_string() for dep in spec.deps)),
            used_by=tuple(sorted(self._readers.get(key, ()))),
            checks=tuple(
                DeclaredCheck(check.name, check.description or "", check.blocking)
                for check in self._checks.get(key, ())
            ),
            refresh=refresh_of(spec.automation_condition, is_declared=columns is not None),
            jobs=tuple(self._pipelines.get(key, ())),
            is_declared=columns is not None,
            fresh_seconds=_promised_seconds(spec),
            columns=tuple((columns or {}).items()),
            can_run=key in self._materializable,
            row_key=_row_key(spec),
            profile=self._profiles.get(key, "off"),
            drift=_drift_of(self._checks.get(key, ())),
        )


def _drift_of(checks: Sequence[dg.AssetCheckSpec]) -> str:
    """What the check of an asset's drift carries; empty where it has none."""
    found = (check.metadata.get(DRIFT) for check in checks if check.metadata)
    kept = next((value for value in found if value), "")
    return str(kept.value if isinstance(kept, dg.MetadataValue) else kept)


def _materializable(location: Location) -> frozenset[Key]:
    """Keys of the assets that a run can make."""
    with without_dagster_warnings():
        graph = location.definitions.resolve_asset_graph()
    return frozenset(tuple(key.path) for key in graph.materializable_asset_keys)


def maker_of(spec: dg.AssetSpec) -> str:
    """What the maker says of itself; plain Python says nothing."""
    given = spec.metadata.get("origin", "python")
    return str(given.value if isinstance(given, dg.MetadataValue) else given)


def _row_key(spec: dg.AssetSpec) -> tuple[str, ...]:
    """What a declaration, or Python, says of the columns that tell rows apart."""
    given = spec.metadata.get(ROW_KEY, ())
    value = given.value if isinstance(given, dg.MetadataValue) else given
    listed = [value] if isinstance(value, str) else value
    return tuple(map(str, listed)) if isinstance(listed, list | tuple) else ()


def _promised_seconds(spec: dg.AssetSpec) -> int:
    """How old an asset may become, by its freshness policy; 0 where it has none of this kind."""
    window = getattr(spec.freshness_policy, "fail_window", None)
    return int(window.to_timedelta().total_seconds()) if window else 0


def _facts(location: Location) -> list[AssetFacts]:
    nouns = location.nouns()
    found = []
    for spec in location.specs:
        key, upstream = tuple(spec.key.path), tuple(tuple(dep.asset_key.path) for dep in spec.deps)
        found.append(AssetFacts(key, nouns[key], upstream, maker_of(spec)))
    return found


def _checks(location: Location) -> dict[Key, list[dg.AssetCheckSpec]]:
    """The checks of each asset that has some."""
    found: dict[Key, list[dg.AssetCheckSpec]] = {}
    for definition in location.definitions.asset_checks or []:
        for check in definition.check_specs:
            found.setdefault(tuple(check.asset_key.path), []).append(check)
    for asset in location.definitions.assets or []:
        for check in asset.check_specs if isinstance(asset, dg.AssetsDefinition) else ():
            found.setdefault(tuple(check.asset_key.path), []).append(check)
    return found


def _readers(location: Location) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for spec in location.specs:
        for dep in spec.deps:
            read = tuple(dep.asset_key.path)
            # A table's own profile is a part of it, no user.
            if tuple(spec.key.path) != profile_key(read):
                found.setdefault(read, []).append(spec.key.to_user_string())
    return found


def _profiles(location: Location) -> dict[Key, str]:
    """When the profile of each table is made that has one."""
    return {
        tuple(spec.key.path[:-1]): "on_demand" if spec.automation_condition is None else "always"
        for spec in location.specs
        if len(spec.key.path) > 1 and maker_of(spec) == PROFILE
    }


def _declared(location: Location) -> dict[Key, Mapping[str, str]]:
    """What components in YAML whose asset is a dataset say of columns."""
    tree = location.definitions.component_tree
    if tree is None:
        return {}
    found: dict[Key, Mapping[str, str]] = {}
    for table in _TABLES:
        components = declared_in(tree, table, noun=table.noun)
        found |= {asset_key("datasets", n): c.column_descriptions for n, c in components.items()}
    sets = declared_in(tree, ClassificationSet, noun=ClassificationSet.noun)
    return found | {asset_key("datasets", n): _meanings(c) for n, c in sets.items()}


def _meanings(given: ClassificationSet) -> dict[str, str]:
    return {column.name: column.description for column in given.columns if column.description}
