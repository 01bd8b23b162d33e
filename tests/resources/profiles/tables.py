"""Tables whose profiles are tested, and the way from one to its profile."""

from __future__ import annotations

import uuid
from pathlib import Path

import pyarrow as pa

from resources.kernel.records import BatchStream
from resources.profiles.compute import compute_profile
from resources.profiles.record import ColumnProfile, Profile
from resources.stores.tables import TableStore

KEY = ("datasets", "tried")


def profile_of_table(folder: Path, table: pa.Table, *, batch_rows: int = 65_536) -> Profile:
    """The profile of a table that is kept in a store below `folder` first."""
    store = TableStore.open(str(folder / "store"))
    with store.writer(KEY, run_id=uuid.uuid4().hex) as writer:
        writer.write(BatchStream(table.schema, iter(table.to_batches(batch_rows))))
        writer.publish({})
    return compute_profile(KEY, store.read(KEY))


def column(profile: Profile, name: str) -> ColumnProfile:
    """The facts of a column that is there."""
    found = profile.column(name)
    assert found is not None, name
    return found
