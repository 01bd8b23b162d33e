"""Drift that was computed lately, in the memory of the web process.

Each search, filter and column of its page asks for it again, and five million rows take half a minute.
Versions never change, so what was found of two of them stays true. They are known by the hashes of their files: a store that was
restored from a backup gives a number to other rows.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from orchestration.services.asking.client import Asker
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.questions.dataset import DRIFT
from resources.drift.declared import decode_declared
from resources.drift.record import Drift
from resources.drift.reference import locate_reference, parse_reference
from resources.kernel.errors import WaybillError
from resources.kernel.lately import Lately
from resources.stores.versions import VersionStore

MOST_COLUMNS = 12_000
"""Of all that is kept together: one of 10,000 columns, the widest that docs speak of, and some others beside it."""

Sides = tuple[tuple[object, ...], tuple[object, ...]]
_lately: Lately[Drift] = Lately(MOST_COLUMNS, lambda drift: max(len(drift.columns), 1))


async def drift_of(
    asker: Asker,
    store: VersionStore,
    entry: DatasetEntry,
    *,
    version: str = "",
    against: str = "",
    column: str = "",
) -> Drift:
    """How far a version is from a reference, as `show_drift` tells it; errors as there.

    Args:
        asker: of the project's process, which computes what is not known.
        store: where the versions are kept.
        entry: the dataset.
        version: a number or a tag; the newest by default.
        against: what to compare with; what is declared by default, else the version before.
        column: only this one.
    """
    sides = await run_in_threadpool(_sides, store, entry, version, against)
    place = (store.url, entry.key, entry.drift, sides, version, against, column)
    known = _lately.find(place)
    if known is not None:
        return known
    found = await asker.ask(
        DRIFT,
        key=list(entry.key),
        declared=entry.drift,
        version=version,
        against=against,
        column=column,
    )
    if sides is not None and sides == await run_in_threadpool(
        _sides, store, entry, version, against
    ):
        _lately.keep(place, found)
    return found


def _sides(store: VersionStore, entry: DatasetEntry, version: str, against: str) -> Sides | None:
    """The two versions that are meant; None where one is not there, which whoever computes it explains."""
    try:
        item = store.item(entry.key)
        number = item.tagging.find(version) if version else item.read_latest(lambda one: one.number)
        wanted = parse_reference(against or decode_declared(entry.drift).against)
        found = locate_reference(store, entry.key, number, wanted)
        if found is None:
            return None
        current, reference = item.version(number), store.item(found[0]).version(found[1])
    except WaybillError:
        return None
    return (
        (number, *(file.sha256 for file in current.files)),
        (*found, *(file.sha256 for file in reference.files)),
    )
