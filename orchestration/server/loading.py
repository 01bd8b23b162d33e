"""The definitions of a code location, loaded once in a process that has one thread.

Built on what Dagster's own code server does (`LoadedRepositories`, `DagsterApiServer`): not public, so a test pins it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sqlite3
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.definitions.repository_definition import (
    RepositoryDefinition,
    RepositoryLoadData,
)
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT, JobPythonOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._grpc.server import LoadedRepositories
from dagster._utils.error import serializable_error_info_from_exc_info
from dagster_shared.error import SerializableErrorInfo

from orchestration.dagster_warnings import leave_out_dagsters_own
from orchestration.loading import PROBLEMS
from orchestration.reasons import raised_on_purpose, reason_of
from orchestration.services.dataset_titles import read_titles
from orchestration.services.env_file import take_variables
from orchestration.services.home import open_home
from orchestration.services.instance import opened_in_turn
from resources.kernel.errors import WaybillError
from resources.kernel.garbage import no_full_collections
from resources.project import read_project, use_project

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """Which code to load, and what its location is called."""

    location: str
    origin: LoadableTargetOrigin

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Target:
        """Options as those of Dagster's own code servers."""
        parser = argparse.ArgumentParser()
        names = ("module-name", "python-file", "working-directory", "attribute")
        for name in ("location-name", *names):
            parser.add_argument(f"--{name}")
        given = vars(parser.parse_args(arguments))
        location = given.pop("location_name")
        return cls(location, LoadableTargetOrigin(executable_path=sys.executable, **given))


@dataclass(frozen=True)
class Definitions:
    """What loading came to: repositories, or the error and what it says in one line."""

    target: Target
    repositories: LoadedRepositories | None = None
    error: SerializableErrorInfo | None = None
    reason: str = ""

    @property
    def problems(self) -> list[str]:
        """What was left out and why, a line each, beginning with file and line, where the code says so of itself."""
        if self.repositories is None:
            return []
        repositories = self.repositories.definitions_by_name.values()
        told = [(repository.metadata or {}).get(PROBLEMS) for repository in repositories]
        lists = [found.data for found in told if isinstance(found, dg.JsonMetadataValue)]
        return [str(line) for found in lists if isinstance(found, list) for line in found]

    def job(self, origin: JobPythonOrigin) -> ReconstructableJob:
        """The job of a run, as it was loaded; one of other code is loaded when it is asked for."""
        code = origin.repository_origin
        repository = _LoadedRepository(
            code.code_pointer,
            code.container_image,
            code.executable_path,
            code.entry_point,
            code.container_context,
        )
        repository.loaded = self._find(repository)
        return ReconstructableJob(repository, origin.job_name)

    def _find(self, wanted: ReconstructableRepository) -> RepositoryDefinition | None:
        if self.repositories is None:
            return None
        for name, known in self.repositories.reconstructables_by_name.items():
            if known.pointer == wanted.pointer:
                return self.repositories.definitions_by_name[name]
        return None


class _LoadedRepository(ReconstructableRepository):
    """Gives out the definitions that are there instead of reading the code again, which may have changed."""

    loaded: RepositoryDefinition | None = None

    def with_repository_load_data(self, metadata: RepositoryLoadData | None) -> _LoadedRepository:
        changed = self._replace(repository_load_data=metadata)
        changed.loaded = self.loaded
        return changed

    def get_definition(self) -> RepositoryDefinition:
        return self.loaded or super().get_definition()


def load(target: Target) -> Definitions:
    """Loads the code of a location; never raises for what is wrong with the code."""
    leave_out_dagsters_own()
    try:
        _take_project(target)
        _take_titles()
        with opened_in_turn(open_home()), dg.DagsterInstance.get() as instance:
            instance.inject_env_vars(target.location)
        with no_full_collections():
            repositories = LoadedRepositories(
                target.origin,
                container_image=None,
                entry_point=DEFAULT_DAGSTER_ENTRY_POINT,
                container_context=None,
                code_location_name=target.location,
            )
    except (Exception, SystemExit) as error:  # users' code is imported here and may raise anything
        logger.exception("the code location %s does not load", target.location)
        info = serializable_error_info_from_exc_info(sys.exc_info())
        return Definitions(target, error=info, reason=describe(error))
    return Definitions(target, repositories)


def _take_project(target: Target) -> None:
    """Makes the project of the location's folder the one of this process, whether its code loads or not.

    The server is started in one project, and its variables are those of that one's `.env`.
    """
    folder = target.origin.working_directory
    project = read_project(Path(folder)) if folder else None
    if project is not None:
        use_project(project.root)
        take_variables(project)


def _take_titles() -> None:
    """Has the UI show what people call datasets. A catalog that does not answer costs the titles, not the code."""
    from orchestration.definitions import show_titles

    try:
        titles = read_titles()
    except (WaybillError, sqlite3.Error) as error:
        logger.warning("titles of datasets are not shown in Dagster's UI: %s", error)
        return
    show_titles({key: (one.title, one.description) for key, one in titles.items()})


def describe(error: BaseException) -> str:
    """What is wrong with the code in one line, beginning with file and line where they are known."""
    known = raised_on_purpose(error)
    if isinstance(known, WaybillError):
        return str(known)
    cause: BaseException = error
    while (inner := cause.__cause__ or getattr(cause, "user_exception", None)) is not None:
        cause = inner
    if isinstance(cause, SyntaxError) and cause.filename:
        return f"{cause.filename}:{cause.lineno}: {type(cause).__name__}: {cause.msg}"
    reason = reason_of(error)
    outside = (f"{os.sep}site-packages{os.sep}", "<frozen", f"{os.sep}lib{os.sep}python")
    frames = [
        frame
        for frame in traceback.extract_tb(cause.__traceback__)
        if not any(part in frame.filename for part in outside)
        and Path(frame.filename).parent != Path(__file__).parent
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}: {reason}" if frames else reason
