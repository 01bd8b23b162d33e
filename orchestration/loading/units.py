"""What each declaration made, and which of it can stay when something else could not be loaded.

An asset that reads an asset nothing makes, a resource that is missing, a circle: each is one line with its place, and
what needs it is left out after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg

from orchestration.loading.problems import Problem, problem_of
from resources.kernel.errors import UnknownNameError, said
from resources.kernel.keys import noun_of_key
from resources.references import (
    JOB_POSITION,
    JOB_TARGETS,
    Registry,
    asset_specs,
    known_names,
    metadata_value,
    name_of_asset,
)


@dataclass
class Unit:
    """A document or a Python file, as a whole: it stays, or it is left out."""

    file: str
    line: int
    build: Callable[[], dg.Definitions]
    name: str = ""
    kind: type | None = None
    loc: Hashable = None
    """Where the tree knows a declared component by."""
    definitions: dg.Definitions = field(default_factory=dg.Definitions)
    is_built: bool = False

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"

    @cached_property
    def specs(self) -> list[dg.AssetSpec]:
        """Its assets as they were declared."""
        return asset_specs(self.definitions)

    @property
    def checks(self) -> list[dg.AssetCheckSpec]:
        """Those of its assets that run in a step of their own."""
        return [spec for check in self.definitions.asset_checks or [] for spec in check.check_specs]

    @cached_property
    def needs(self) -> dict[dg.AssetKey, str]:
        """Assets that it reads, runs or compares with, and where that is said when not in the line of the unit itself."""
        own = {spec.key for spec in self.specs}
        found = {dep.asset_key: "" for spec in self.specs for dep in spec.deps}
        found |= {dep.asset_key: "" for check in self.checks for dep in check.additional_deps}
        for job in self.definitions.jobs or []:
            metadata = getattr(job, "metadata", None) or {}
            where = str(metadata_value(metadata.get(JOB_POSITION)) or "")
            for text in metadata_value(metadata.get(JOB_TARGETS)) or []:
                found[dg.AssetKey.from_user_string(text)] = where
        return {key: where for key, where in found.items() if key not in own}

    def place_of_reader(self, key: dg.AssetKey) -> str:
        """`file:line` of the function that reads `key`, in Python; of the document in YAML."""
        for asset in self.definitions.assets or []:
            if (
                self.kind is None
                and isinstance(asset, dg.AssetsDefinition)
                and key in asset.keys_by_input_name.values()
            ):
                compute = getattr(asset.node_def, "compute_fn", None)
                code = getattr(getattr(compute, "decorated_fn", None), "__code__", None)
                if code is not None:
                    return f"{code.co_filename}:{code.co_firstlineno}"
        return self.where

    @cached_property
    def inputs(self) -> set[dg.AssetKey]:
        """Assets whose data Python code takes as arguments: Dagster loads them, so a run must have made them."""
        return {
            key
            for asset in self.definitions.assets or []
            if isinstance(asset, dg.AssetsDefinition)
            for name, key in asset.keys_by_input_name.items()
            if self.kind is None and not name.startswith("__")
        }

    @cached_property
    def resources(self) -> set[str]:
        """Keys of resources that its assets take."""
        return {
            key
            for asset in self.definitions.assets or []
            if isinstance(asset, (dg.AssetsDefinition, dg.SourceAsset))
            for key in asset.required_resource_keys
        }


def keep_whole(
    units: Sequence[Unit],
    registry: Registry,
    provided: Collection[str],
    problems: list[Problem],
) -> list[Unit]:
    """The units that have all they need; of each other one a problem is told."""
    kept = _once(units, problems, registry)
    while True:
        lacking = _Lacking(kept, registry, provided)
        wrong = [(unit, found) for unit in kept if (found := lacking.of(unit))]
        if not wrong:
            break
        for unit, found in wrong:
            problems.extend(found)
            for spec in unit.specs:
                registry.add_broken(name_of_asset(spec.key), None, where=unit.where)
            registry.add_broken(unit.name, unit.kind, where=unit.where)
        dropped = {id(unit) for unit, _ in wrong}
        kept = [unit for unit in kept if id(unit) not in dropped]
    return _straight(kept, problems)


def _once(units: Sequence[Unit], problems: list[Problem], registry: Registry) -> list[Unit]:
    """Units without those that make an asset which another one makes too."""
    makers: dict[dg.AssetKey, list[Unit]] = {}
    for unit in units:
        for key in dict.fromkeys(
            spec.key for spec in unit.specs
        ):  # Dagster lists a module's AssetSpec twice
            makers.setdefault(key, []).append(unit)
    doubled = {key: found for key, found in makers.items() if len(found) > 1}
    wrong: set[int] = set()
    for key, found in doubled.items():
        places = " and ".join(unit.where for unit in found)
        text = f"{key.to_user_string()} is made twice: by {places}"
        problems.append(Problem(found[0].file, found[0].line, text, "Give each its own name"))
        for unit in found:
            registry.add_broken(name_of_asset(key), None, where=unit.where)
            wrong.add(id(unit))
    return [unit for unit in units if id(unit) not in wrong]


class _Lacking:
    """What is there, and what a unit misses of it."""

    def __init__(
        self, units: Sequence[Unit], registry: Registry, provided: Collection[str]
    ) -> None:
        self._units = units
        self._made = {spec.key: unit for unit in units for spec in unit.specs}
        self._registry = registry
        self._resources = set(provided).union(*(u.definitions.resources or {} for u in units))

    def of(self, unit: Unit) -> list[Problem]:
        """A problem for each thing that it lacks."""
        found = [
            problem
            for key, where in unit.needs.items()
            if key not in self._made and (problem := self._missing(unit, key, where))
        ]
        for name in sorted(unit.resources - self._resources):
            if broken := self._registry.broken(name):
                text = f"left out, since connector {name!r} has an error ({broken})"
                found.append(Problem(unit.file, unit.line, text, is_consequence=True))
        return found

    def _missing(self, unit: Unit, key: dg.AssetKey, where: str) -> Problem | None:
        place = _split(where or unit.place_of_reader(key))
        noun, name = noun_of_key(tuple(key.path)), name_of_asset(key)
        if not noun:
            return self._missing_input(unit, key, where) if key in unit.inputs or where else None
        if broken := self._registry.broken(name):
            text = f"left out, since {said(noun)} {name!r} has an error ({broken})"
            return Problem(*place, text, is_consequence=True)
        known = known_names((spec for unit in self._units for spec in unit.specs), noun)
        error = UnknownNameError(noun, name, known, where=f"{place[0]}:{place[1]}")
        bare = self._made.get(dg.AssetKey([name]))
        if bare is not None:
            error.hint = f'The asset {name!r} in {bare.file} has no prefix: give it key_prefix="{key.path[0]}"'
        return problem_of(error, *place, is_consequence=False)

    def _missing_input(self, unit: Unit, key: dg.AssetKey, where: str) -> Problem:
        name = key.path[-1]
        if where:
            known = [k.to_user_string() for k in self._made]
            error = UnknownNameError("asset", key.to_user_string(), known, where=where)
            return problem_of(error, *_split(where), is_consequence=False)
        meant = next((k for k in self._made if k.path[-1] == name and len(k.path) > 1), None)
        hint = "Name something that the project makes, for instance datasets/orders"
        if meant is not None:
            prefix = meant.path[0]
            hint = f'Write ins={{"{name}": dg.AssetIn(key_prefix="{prefix}")}} in its decorator'
        text = f"takes its input {key.to_user_string()!r} from an asset that does not exist"
        return Problem(*_split(unit.place_of_reader(key)), text, hint)


def _split(where: str) -> tuple[str, int]:
    file, _, line = where.rpartition(":")
    return file, int(line)


def _straight(units: list[Unit], problems: list[Problem]) -> list[Unit]:
    """Units without those whose assets wait for one another in a circle, and what reads these."""
    makers = {spec.key: unit for unit in units for spec in unit.specs}
    reads: dict[dg.AssetKey, set[dg.AssetKey]] = {
        spec.key: {dep.asset_key for dep in spec.deps if dep.asset_key in makers}
        for unit in units
        for spec in unit.specs
    }
    _wait_for_checks(units, makers, reads)
    rest = _unsorted(reads)
    if not rest:
        return units
    circle = _circle(rest, reads)
    names = " -> ".join(key.to_user_string() for key in [*circle, circle[0]])
    places = ", ".join(sorted({makers[key].where for key in circle}))
    first = min((makers[key] for key in circle), key=lambda unit: (unit.file, unit.line))
    hint = f"Each would wait for the other; take one reference out. Declared at {places}"
    problems.append(
        Problem(first.file, first.line, f"datasets are made in a circle: {names}", hint)
    )
    dropped = {id(makers[key]) for key in rest}
    kept = [unit for unit in units if id(unit) not in dropped]
    return [u for u in kept if not any(k in rest for k in u.needs)]


def _wait_for_checks(
    units: Iterable[Unit],
    makers: dict[dg.AssetKey, Unit],
    reads: dict[dg.AssetKey, set[dg.AssetKey]],
) -> None:
    """Adds checks that compare with other assets and that readers of theirs wait for, each by a key below its asset's."""
    for unit in units:
        for check in unit.checks:
            others = {dep.asset_key for dep in check.additional_deps if dep.asset_key in makers}
            if not (check.blocking and others):
                continue
            own = dg.AssetKey([*check.asset_key.path, check.name])
            for inputs in reads.values():
                if check.asset_key in inputs:
                    inputs.add(own)
            makers[own], reads[own] = unit, {check.asset_key, *others}


def _unsorted(reads: Mapping[dg.AssetKey, set[dg.AssetKey]]) -> set[dg.AssetKey]:
    """What is left when everything without an unmade input has been made: circles, and what hangs on them."""
    waiting = {key: len(inputs) for key, inputs in reads.items()}
    readers: dict[dg.AssetKey, list[dg.AssetKey]] = {}
    for key, inputs in reads.items():
        for other in inputs:
            readers.setdefault(other, []).append(key)
    ready = [key for key, count in waiting.items() if count == 0]
    while ready:
        for reader in readers.get(ready.pop(), ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    return {key for key, count in waiting.items() if count > 0}


def _circle(
    rest: Iterable[dg.AssetKey], reads: Mapping[dg.AssetKey, set[dg.AssetKey]]
) -> list[dg.AssetKey]:
    left = set(rest)
    path = [min(left)]
    while True:
        following = min(reads[path[-1]] & left)
        if following in path:
            return path[path.index(following) :]
        path.append(following)
