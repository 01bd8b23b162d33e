"""A change judged with the whole project: loaded with the file as it would be, in this process, which is not the web's.

What was wrong before does not count: only problems that are new do. Python below `defs/` that this process has
imported is taken as it was imported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import dagster as dg

from orchestration.classifications.build import build_set_runs
from orchestration.dagster_warnings import without_dagster_warnings
from orchestration.loading.overlay import Texts, overlaid
from orchestration.loading.problems import Problem, problem_of
from orchestration.loading.project import load_project
from orchestration.location import Location
from orchestration.reasons import raised_on_purpose, reason_of
from orchestration.services.stored_columns import column_problems
from resources.kernel.keys import SHARED_RESOURCES
from resources.project import ProjectFolders
from resources.stores.catalog.resource import CatalogResource
from resources.stores.handles import handles
from resources.stores.io_manager import DatasetIOManager
from resources.stores.resource import StoreResource

_LINE = re.compile(r":\d+")


@dataclass(frozen=True)
class Judgement:
    """What a change would bring.

    Args:
        broken: new problems that something does not load for, causes first.
        warnings: new ones that break nothing.
        before: what did not load as it is.
    """

    broken: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    before: tuple[Problem, ...] = ()


def defs_root(project: ProjectFolders) -> Path:
    """The folder of a project's definitions, as loading finds it."""
    project.make_importable()
    (folder, *_) = import_module(project.defs_module).__path__
    return Path(folder)


def judge(project: ProjectFolders, texts: Texts) -> Judgement:
    """What the project would have to say of these files.

    Args:
        project: that they are of.
        texts: of files as they would be, by path; None of one that would be gone.
    """
    after = problems_with(project, texts)
    if not after:
        return Judgement()
    before = problems_with(project, {})
    new = _new(before, after)
    return Judgement(
        broken=tuple(p for p in new if not p.is_warning),
        warnings=tuple(p for p in new if p.is_warning),
        before=tuple(p for p in before if not p.is_warning),
    )


def problems_with(project: ProjectFolders, texts: Texts) -> list[Problem]:
    """Everything that is wrong with a project whose files are those on the disk but for `texts`."""
    place = str(next(iter(texts), project.root))
    with overlaid(texts), without_dagster_warnings():
        loaded = load_project(
            import_module(project.defs_module), project.root, provided=SHARED_RESOURCES
        )
        found = list(loaded.problems)
        try:
            definitions = _whole(loaded.definitions)
            definitions.get_repository_def()
            found += column_problems(Location(definitions))
        except Exception as error:  # noqa: BLE001 - users' own Python is a part of it
            found.append(_told(error, place))
    return sorted(set(found), key=lambda problem: problem.order)


def _whole(loaded: dg.Definitions) -> dg.Definitions:
    """The definitions with what every project has beside its own."""
    own = loaded.resources or {}
    store = StoreResource()
    shared = {
        "store": store,
        "catalog": CatalogResource(),
        "io_manager": DatasetIOManager(store=store),
        "handles": handles(),
    }
    common = dg.Definitions(resources={k: v for k, v in shared.items() if k not in own})
    return dg.Definitions.merge(loaded, build_set_runs(loaded), common)


def _told(error: BaseException, file: str) -> Problem:
    meant = raised_on_purpose(error)
    if meant is not None:
        return problem_of(meant, file, 1, is_consequence=False)
    return Problem(file, 1, reason_of(error))


def _new(before: Iterable[Problem], after: Iterable[Problem]) -> list[Problem]:
    """Those that were not there, wherever their lines have moved."""
    known = Counter(map(_key, before))
    found = []
    for problem in after:
        if known[_key(problem)] > 0:
            known[_key(problem)] -= 1
        else:
            found.append(problem)
    return found


def _key(problem: Problem) -> tuple[str, str, bool]:
    return problem.file, _LINE.sub("", problem.text), problem.is_warning
