"""What loading must not do again and again: a project of thousands of data sources has to load too."""

from __future__ import annotations

import cProfile
import difflib
import gc
import inspect
import pstats
import sys
from collections.abc import Callable
from contextlib import contextmanager
from importlib import import_module

import dagster as dg
import pytest

from orchestration.connections.reachable import CHECKS_OF_AN_OP, build_reachable_checks
from orchestration.definitions import build_defs, defs
from orchestration.loading.project import Project, load_project
from orchestration.location import Location
from resources.kernel.keys import SHARED_RESOURCES
from resources.sources.spec import SourceSpec


class _Many(Location):
    """A location of nothing but data sources."""

    def __init__(self, count: int) -> None:
        super().__init__(dg.Definitions())
        self._specs = {
            f"d{n}": SourceSpec(name=f"d{n}", connector=f"c{n % 7}", path="a.csv")
            for n in range(count)
        }

    def datasources(self) -> dict[str, SourceSpec]:
        return self._specs


@pytest.mark.parametrize("count", [0, 1, CHECKS_OF_AN_OP, CHECKS_OF_AN_OP * 3 + 1])
def test_no_op_checks_more_datasources_than_dagster_can_go_over_for_each(count):
    built = build_reachable_checks(_Many(count))
    keys = [key for checks in built for key in checks.check_keys]
    assert len(keys) == len(set(keys)) == count
    assert all(len(list(checks.check_keys)) <= CHECKS_OF_AN_OP for checks in built)
    names = [checks.node_def.name for checks in built]
    assert names == sorted(set(names), key=names.index)
    assert names[:1] == ["reachable_datasources"][: len(names)]


def test_both_builds_of_one_load_are_one_until_something_changes(monkeypatch):
    monkeypatch.setenv("WAYBILL_TEST_OF_LOADING", "1")
    first = defs()
    assert defs() is first
    second = defs()
    assert second is not first
    monkeypatch.setenv("WAYBILL_TEST_OF_LOADING", "2")
    assert defs() is not second


def test_datasources_are_assets_definitions_with_their_op_names():
    assets = [a for a in defs().assets or [] if isinstance(a, dg.AssetsDefinition)]
    assert not [a for a in defs().assets or [] if isinstance(a, dg.SourceAsset)]
    observed = [a for a in assets if a.key.path[0] == "datasources"]
    assert observed
    for asset in observed:
        assert asset.op.name == "__".join(asset.key.path)


CALLS_OF_A_COMPONENT = 6_400
"""From its file to a repository that can serve, where every second one is a dataset, which brings its profile's asset
and its schema check along: 4,800 without these two."""


@contextmanager
def _project(folder, pairs: int):
    """A project of so many data sources and datasets, each in a folder of its own; what loads it."""
    package = f"many_{pairs}"
    files = {
        "lake": "type: resources.FolderConnector\nattributes: {name: lake, root: lake}\n",
        **{
            f"{noun}{n}": f"type: assets.{kind}\nattributes: {{name: t{n}, {rest}}}\n"
            for n in range(pairs)
            for noun, kind, rest in (
                ("s", "Datasource", f"connector: lake, path: {n}.csv"),
                ("d", "Dataset", f"datasource: t{n}"),
            )
        },
    }
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    for name, text in files.items():
        (folder / package / name).mkdir()
        (folder / package / name / "defs.yaml").write_text(text)
    sys.path.insert(0, str(folder))
    try:
        module = import_module(package)
        yield lambda: load_project(module, folder, provided=SHARED_RESOURCES)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(package, None)


def _served(load: Callable[[], Project]) -> dg.RepositoryDefinition:
    project = load()
    assert not project.problems
    repository = build_defs(loaded=project.definitions).get_repository_def()
    repository.load_all_definitions()
    return repository


def _counted(folder, pairs: int) -> pstats.Stats:
    with _project(folder, pairs) as load, cProfile.Profile() as profile:
        _served(load)
    return pstats.Stats(profile)


def _calls_of(stats: pstats.Stats, function: Callable[..., object]) -> int:
    code = function.__code__
    return sum(
        found[1]
        for (file, line, _), found in stats.stats.items()  # type: ignore[attr-defined]
        if (file, line) == (code.co_filename, code.co_firstlineno)
    )


def test_each_component_costs_the_same_few_calls(tmp_path):
    with _project(tmp_path, 1) as load:
        _served(load)  # what is found out once
    small, middle, large = (_counted(tmp_path, pairs) for pairs in (20, 60, 100))
    first, second = (
        (more.total_calls - less.total_calls) / 80
        for less, more in ((small, middle), (middle, large))
    )
    assert second <= first * 1.05  # linear
    assert second <= CALLS_OF_A_COMPONENT
    added = [_calls_of(s, inspect.signature) for s in (small, large)]
    assert added[1] - added[0] <= 3 * 80  # one for each op: nothing is inferred from a function
    assert _calls_of(large, difflib.get_close_matches) == 0  # no proposal unless a name is wrong


def test_the_whole_heap_is_never_gone_over_while_a_project_is_loaded(tmp_path):
    full: list[int] = []

    def _note(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2 and gc.get_threshold() != (100, 2, 2):
            full.append(1)

    before = gc.get_threshold()
    with _project(tmp_path, 40) as load:
        gc.callbacks.append(_note)
        gc.set_threshold(100, 2, 2)  # so that a small project would be enough for many
        try:
            load()
            assert gc.get_threshold() == (100, 2, 2)
        finally:
            gc.callbacks.remove(_note)
            gc.set_threshold(*before)
    assert not full
