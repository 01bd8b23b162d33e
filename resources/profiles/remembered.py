"""Profiles that this process has read lately: those of wide tables take a second to be read, and each page shows a part of one.

A profile never changes, and is known by the hash of what it was read from. As many are kept as have so many columns together: each takes
about 8 kB.
"""

from __future__ import annotations

from resources.kernel.keys import Key
from resources.kernel.lately import Lately
from resources.profiles.kept import profile_in
from resources.profiles.record import Profile
from resources.stores.manifest import Manifest
from resources.stores.versions import VersionStore

MOST_COLUMNS = 12_000
"""One of 10,000 columns, the widest that docs speak of, and some others beside it."""

_lately: Lately[Profile] = Lately(MOST_COLUMNS, lambda profile: max(len(profile.columns), 1))


def remembered_profile(store: VersionStore, key: Key, manifest: Manifest) -> Profile:
    """What `profile_in` gives, from memory where it was asked for lately; errors as there."""
    place = (store.url, key, manifest.number, *(file.sha256 for file in manifest.files))
    known = _lately.find(place)
    if known is not None:
        return known
    profile = profile_in(store, key, manifest)
    _lately.keep(place, profile)
    return profile
