"""Where a run of this process belongs, as the web UI and the daemon know it: a job of the project's code location.

`workspace.yaml` names the location and its module as `pyproject.toml` does; a test compares.

Without it a run stands under Runs only, neither under its job nor in the timeline, and no daemon could start it.
"""

from __future__ import annotations

import sys

from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from resources.project import find_project


def remote_origin(job: str) -> RemoteJobOrigin:
    """The job as the web UI and the daemon name it."""
    project = find_project()
    target = LoadableTargetOrigin(
        executable_path=sys.executable,
        module_name=project.target_module,
        working_directory=str(project.root),
    )
    place = ManagedGrpcPythonEnvCodeLocationOrigin(target, project.location)
    return RemoteJobOrigin(
        RemoteRepositoryOrigin(
            code_location_origin=place, repository_name=SINGLETON_REPOSITORY_NAME
        ),
        job,
    )


def code_origin(job: str) -> JobPythonOrigin:
    """The job as a process that is to execute it finds it."""
    project = find_project()
    pointer = ModuleCodePointer(project.target_module, "defs", str(project.root))
    repository = RepositoryPythonOrigin(
        executable_path=sys.executable,
        code_pointer=pointer,
        container_image=None,
        entry_point=[sys.executable, "-m", "dagster"],
        container_context={},
    )
    return JobPythonOrigin(job, repository)
