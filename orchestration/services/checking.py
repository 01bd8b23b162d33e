"""The whole project looked through, nothing run: every problem with file and line."""

from __future__ import annotations

from orchestration.definitions import build_defs, load_own_project
from orchestration.loading.problems import Problem
from orchestration.services.location import Location
from orchestration.services.stored_columns import column_problems


def check_project() -> list[Problem]:
    """Everything that is wrong with the files under `defs/`: errors first, then what needs them, then warnings.

    Columns that SQL and checks name are compared with what is stored.

    Raises:
        ConfigError: something is wrong that belongs to no file, such as a resource that nothing declares.
    """
    project = load_own_project()
    location = Location.load(lambda: build_defs(loaded=project.definitions))
    location.definitions.get_repository_def()
    found = {*project.problems, *column_problems(location)}
    return sorted(found, key=lambda problem: problem.order)
