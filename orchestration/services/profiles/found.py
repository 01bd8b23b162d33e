"""Which profile of a dataset there is to show, and what became of the one that there is not."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.services.dataset_list import FAILED, PENDING, QUEUED, RUNNING, STOPPED, Tried
from resources.kernel.errors import NotFoundError
from resources.kernel.keys import Key
from resources.profiles.kept import find_profile, profile_in
from resources.profiles.record import Profile
from resources.stores.tables import TableStore

READY = "ready"
VERSIONS_SHOWN = 50


@dataclass(frozen=True)
class Analysis:
    """What there is to show of a dataset.

    Args:
        version: the version that is asked for.
        versions: that are kept, the newest first.
        profile: of that version; where it has none and none is asked for by number, the newest profile.
        state: `ready`, or what became of the profile of that version: `pending`, `queued`, `running`, `failed`, `stopped`.
        reason: why it is not there, if that is known.
        run_id: of the run that was to make it.
    """

    version: int
    versions: tuple[int, ...]
    profile: Profile | None
    state: str
    reason: str = ""
    run_id: str = ""

    @property
    def is_older(self) -> bool:
        """Whether the profile is of another version than is asked for."""
        return self.profile is not None and self.profile.of.version != self.version


def find_analysis(store: TableStore, key: Key, asked: int, tried: Tried | None) -> Analysis:
    """What there is to show.

    Args:
        store: where the dataset is kept.
        key: of the dataset.
        asked: number of a version; 0 for the newest.
        tried: the last try to make its profile.

    Raises:
        NotFoundError: the dataset has no version, or not this one.
        GoneError: the version was collected.
        StorageError: a newer Waybill wrote the profile.
    """
    item = store.item(key)
    version = item.version(asked) if asked else item.latest()
    if version is None:
        raise NotFoundError(
            f"dataset {key[-1]!r} has no version yet", hint="Refresh it; then it can be analysed"
        )
    versions = tuple(reversed(item.numbers()[-VERSIONS_SHOWN:]))
    found = find_profile(store, key, version.number)
    if found is not None:
        return Analysis(version.number, versions, profile_in(store, key, found), READY)
    older = None if asked else find_profile(store, key)
    profile = None if older is None else profile_in(store, key, older)
    return _without(version.number, versions, profile, tried)


def _without(
    version: int, versions: tuple[int, ...], profile: Profile | None, tried: Tried | None
) -> Analysis:
    """A last try that ended well made another version's profile: of this one there was none."""
    known = tried is not None and tried.state in (QUEUED, RUNNING, FAILED, STOPPED)
    if tried is None or not known:
        return Analysis(version, versions, profile, PENDING)
    return Analysis(version, versions, profile, tried.state, tried.error, tried.run_id)
