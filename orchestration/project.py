"""The project at hand, loaded or looked through: what stands above the definitions and opens them for commands."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from orchestration.dagster_warnings import without_dagster_warnings
from orchestration.definitions import build_defs, defs, load_own_project
from orchestration.loading.problems import Problem
from orchestration.location import Location
from orchestration.pipelines.unattended import unattended_problems
from orchestration.reasons import raised_on_purpose, reason_of
from orchestration.services.stored_columns import column_problems
from resources.kernel.errors import ConfigError, WaybillError
from resources.kernel.garbage import no_full_collections


def load(build: Callable[[], dg.Definitions] = defs) -> Location:
    """The code location that `build` makes, the project's own by default.

    Raises:
        ConfigError: it does not load; with the text of the error that says why.
    """
    try:
        with without_dagster_warnings(), no_full_collections():
            return Location(build())
    except (
        Exception,
        SystemExit,
    ) as error:  # users' own Python is loaded here and may raise anything
        raise _load_error(error) from error


def load_tolerant() -> tuple[Location, tuple[Problem, ...]]:
    """The project's own code location without what is wrong in it, and what that is.

    Raises:
        ConfigError: something is wrong that cannot be left out.
    """
    found: list[Problem] = []

    def build() -> dg.Definitions:
        project = load_own_project()
        found.extend(project.problems)
        return build_defs(loaded=project.definitions)

    return load(build), tuple(found)


def check_project() -> list[Problem]:
    """Everything that is wrong with the files under `defs/`: errors first, then what needs them, then warnings.

    Columns that SQL and checks name are compared with what is stored.

    Raises:
        ConfigError: something is wrong that belongs to no file, such as a resource that nothing declares.
    """
    with without_dagster_warnings(), no_full_collections():
        location, problems = load_tolerant()
        location.definitions.get_repository_def()
    found = {*problems, *column_problems(location), *unattended_problems(location)}
    return sorted(found, key=lambda problem: problem.order)


def _load_error(error: BaseException) -> WaybillError:
    """What was raised on purpose, else the reason: what Dagster wraps around it names no line of anybody's YAML."""
    return raised_on_purpose(error) or ConfigError(
        f"the project's definitions do not load: {reason_of(error)}",
        hint="`dg check defs` shows all of it",
    )
