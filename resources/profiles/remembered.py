"""Profiles that this process has read lately: those of wide tables take a second to be read, and each page shows a part of one.

A profile never changes, and is known by the hash of what it was read from. As many are kept as have so many columns together: each takes
about 8 kB.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from resources.kernel.keys import Key
from resources.profiles.kept import profile_in
from resources.profiles.record import Profile
from resources.stores.manifest import Manifest
from resources.stores.versions import VersionStore

MOST_COLUMNS = 12_000
"""One of 10,000 columns, the widest that docs speak of, and some others beside it."""

_known: OrderedDict[tuple[object, ...], Profile] = OrderedDict()
_lock = threading.Lock()


def remembered_profile(store: VersionStore, key: Key, manifest: Manifest) -> Profile:
    """What `profile_in` gives, from memory where it was asked for lately; errors as there."""
    place = (store.url, key, manifest.number, *(file.sha256 for file in manifest.files))
    with _lock:
        known = _known.get(place)
        if known is not None:
            _known.move_to_end(place)
            return known
    profile = profile_in(store, key, manifest)
    with _lock:
        _known[place] = profile
        while sum(max(len(one.columns), 1) for one in _known.values()) > MOST_COLUMNS:
            _known.popitem(last=False)
    return profile
