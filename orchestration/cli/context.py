"""What a command works on: the code location and Dagster's instance, opened when first asked for."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from orchestration.cli.errors import warn

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.loading.problems import Problem
    from orchestration.location import Location
    from orchestration.services.dataset_list import DatasetEntry, DatasetSummary, Tried
    from orchestration.services.dataset_staleness import LastLook
    from orchestration.services.image_folders.listing import ImageFolderSummary
    from orchestration.services.runs.workplace import Workplace
    from orchestration.services.snapshot import Snapshot
    from orchestration.services.stores import Store
    from resources.kernel.keys import Key


WARNED = 10


@dataclass
class CommandContext:
    """Handed to every command; tests hand in their own code location and instance."""

    given_location: Location | None = None
    given_instance: dg.DagsterInstance | None = None
    problems: tuple[Problem, ...] = ()
    """What was left out of the location that was loaded."""
    has_read_records: bool = False
    """Whether Dagster's records could be read without Dagster."""

    @property
    def user(self) -> str:
        """Who gives the command."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # a container without an entry for its user
            return "unknown"

    @cached_property
    def snapshot(self) -> Snapshot:
        """What lists need of the project; the project is loaded only when something changed since the last list.

        Raises:
            ConfigError: it does not load.
        """
        from orchestration.services.home import open_home
        from orchestration.services.snapshot import SnapshotFolder

        if self.given_location is not None:
            return self._snapshot_of_location()
        folder = SnapshotFolder(open_home())
        found = folder.find()
        if found is None:
            return folder.make(self._snapshot_of_location)
        warn_of(found.problems)
        return found

    def _snapshot_of_location(self) -> Snapshot:
        from orchestration.services.snapshot_of_location import snapshot_of

        return snapshot_of(self.location, tuple(map(str, self.problems)))

    def states(self, entries: Sequence[DatasetEntry]) -> Mapping[Key, Tried]:
        """What became of the last try to make each dataset."""
        from orchestration.services.home import open_home
        from orchestration.services.recorded_states import recorded_states

        if self.given_instance is None:
            found = recorded_states(open_home().dagster, [entry.key for entry in entries])
            self.has_read_records = found is not None
            if found is not None:
                return found
        from orchestration.services.datasets import instance_states

        return instance_states(self.instance, entries)

    def datasets(self) -> list[DatasetSummary]:
        """A line for each dataset.

        Raises:
            ConfigError: the project does not load, or has no store.
            ConnectorError: the store does not answer.
        """
        from orchestration.services.dataset_staleness import summarize
        from orchestration.services.dataset_titles import read_titles

        entries = self.snapshot.datasets
        states = self.states(entries)  # first: what it saw made is in the store then
        return summarize(entries, states, self.store, read_titles(), self._seen(entries))

    def _seen(self, entries: Sequence[DatasetEntry]) -> Mapping[Key, LastLook]:
        """The last look at each data source that datasets are made from."""
        from orchestration.services.home import open_home
        from orchestration.services.recorded_observations import RecordedObservations, sources_of

        sources = sources_of(entries)
        if self.has_read_records:
            found = RecordedObservations(open_home().dagster).look(sources)
            if found is not None:
                return found
        from orchestration.services.observations import InstanceLooks

        return InstanceLooks(self.instance).look(sources)

    def stale_reason(self, name: str) -> str:
        """Why a dataset is stale; empty when it is not."""
        return next((found.stale for found in self.datasets() if found.name == name), "")

    def dataset(self, name: str) -> DatasetEntry:
        """What is declared of a dataset.

        Raises:
            UnknownNameError: nothing makes it; lists the known ones.
        """
        from orchestration.services.dataset_list import find_entry

        return find_entry(self.snapshot.datasets, name)

    def image_folders(self) -> list[ImageFolderSummary]:
        """A line for each image folder.

        Raises:
            ConfigError: the project does not load, or has no store.
            ConnectorError: the store does not answer.
        """
        from orchestration.services.dataset_titles import read_titles
        from orchestration.services.image_folders.listing import summarize_folders

        entries = self.snapshot.image_folders
        states = self.states(entries)  # first, as of datasets
        return summarize_folders(entries, states, self.store, read_titles())

    def image_folder(self, name: str) -> DatasetEntry:
        """What is declared of an image folder.

        Raises:
            UnknownNameError: there is none; lists the known ones.
        """
        from orchestration.services.image_folders.listing import find_folder

        return find_folder(self.snapshot.image_folders, name)

    @cached_property
    def store(self) -> Store:
        """Where datasets are kept.

        Raises:
            ConfigError: the project does not load, or has no store.
        """
        from orchestration.services.stores import open_store

        given = self.given_location
        return given.store() if given else open_store(self.snapshot.store)

    @cached_property
    def location(self) -> Location:
        """The project's code location.

        Raises:
            ConfigError: it does not load.
        """
        from orchestration.project import load_tolerant
        from orchestration.services.home import open_home

        open_home()
        if self.given_location is not None:
            return self.given_location
        location, self.problems = load_tolerant()
        warn_of(self.problems)
        return location

    def forget_location(self) -> None:
        """The project's files have changed: the next caller of `location` has them read anew."""
        self.__dict__.pop("location", None)

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance in the home folder, the one that `waybill up` shows.

        Raises:
            ConfigError: its `dagster.yaml` is wrong.
        """
        from orchestration.services.home import open_home
        from orchestration.services.instance import open_instance

        home = open_home()
        return self.given_instance or open_instance(home)

    def workplace(self) -> Workplace:
        """Where a run of a command takes place, asked for by its user.

        Raises:
            ConfigError: the project does not load.
        """
        from orchestration.services.home import open_home
        from orchestration.services.runs.start import Asked
        from orchestration.services.runs.workplace import Workplace

        return Workplace(open_home(), self.location, self.instance, Asked(self.user))


def warn_of(problems: Sequence[Problem | str]) -> None:
    """Says on standard error what was left out of the project."""
    for problem in problems[:WARNED]:
        warn(str(problem))
    if len(problems) > WARNED:
        warn(f"{len(problems) - WARNED} more; `waybill check` lists all")


def tell_of_home() -> None:
    """Says on standard error what a person should know of where data is kept, before a home folder is made."""
    from orchestration.services.home import warnings_of
    from resources.home import waybill_home
    from resources.kernel.errors import ConfigError
    from resources.project import find_project

    try:
        home, project = waybill_home(), find_project()
    except ConfigError:
        return  # no project: a command that needs one says so
    for text in warnings_of(home, project):
        warn(text)
