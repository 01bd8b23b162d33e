"""Which profile of a dataset there is to show, and what became of the one that there is not."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.services.dataset_profile import DatasetProfile
from resources.kernel.errors import NotFoundError
from resources.kernel.keys import Key
from resources.profiles.kept import find_profile
from resources.profiles.record import Profile
from resources.profiles.remembered import remembered_profile
from resources.stores.versions import VersionStore

VERSIONS_SHOWN = 50


@dataclass(frozen=True)
class Analysis:
    """What there is to show of a dataset.

    Args:
        version: the version that is asked for.
        versions: that are kept, the newest first.
        profile: of that version; where it has none and none is asked for by number, the newest profile.
        asked: where the profile of the version that is asked for stands.
    """

    version: int
    versions: tuple[int, ...]
    profile: Profile | None
    asked: DatasetProfile

    @property
    def is_older(self) -> bool:
        """Whether the profile is of another version than is asked for."""
        return self.profile is not None and self.profile.of.version != self.version


def find_analysis(
    store: VersionStore, key: Key, asked: DatasetProfile, *, is_newest: bool
) -> Analysis:
    """What there is to show.

    Args:
        store: where the dataset is kept.
        key: of the dataset.
        asked: where the profile of the version that is asked for stands.
        is_newest: whether that is just the newest version, whatever its number.

    Raises:
        NotFoundError: the dataset has no version.
        StorageError: a newer Waybill wrote the profile.
    """
    if asked.version is None:
        raise NotFoundError(
            f"dataset {asked.dataset!r} has no version yet",
            hint="Refresh it; then it can be analysed",
        )
    versions = tuple(reversed(store.item(key).numbers()[-VERSIONS_SHOWN:]))
    profile = asked.profile
    if profile is None and is_newest and (older := find_profile(store, key)) is not None:
        profile = remembered_profile(store, key, older)
    return Analysis(asked.version, versions, profile, asked)
