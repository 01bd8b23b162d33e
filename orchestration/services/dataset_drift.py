"""How far one version of a dataset is from another one, or from one of another dataset, as people and programs are shown it."""

from __future__ import annotations

from resources.drift.declared import decode_declared
from resources.drift.record import Drift
from resources.drift.reference import find_reference, named_version, parse_reference
from resources.kernel.errors import NotFoundError
from resources.kernel.keys import Key
from resources.stores.tables import TableStore


def show_drift(
    store: TableStore,
    key: Key,
    declared: str = "",
    *,
    version: str = "",
    against: str = "",
    column: str = "",
) -> Drift:
    """How far a version is from a reference.

    Args:
        store: where it is kept.
        key: of the dataset.
        declared: what it is held to, as its entry has it: methods and thresholds are those of its check.
        version: a number or a tag; the newest by default.
        against: what to compare with, as `parse_reference` reads it; what is declared by default, else the version before.
        column: only this one.

    Raises:
        NotFoundError: no such version, tag, dataset or column, or no version before; `GoneError` when it has been collected.
        InputError: `against` names nothing, or what is declared does not fit the columns.
        IntegrityError: a file is damaged.
        StorageError: neither memory nor temporary disk is enough.
    """
    from resources.drift.compute import compute_drift

    asked = decode_declared(declared)
    item = store.item(key)
    current = store.read(key, item.tagging.find(version) if version else None)
    named = named_version(current, key, "" if version.isdigit() else version)
    found = find_reference(store, key, named.version, parse_reference(against or asked.against))
    if found is None:
        raise NotFoundError(
            f"There is no version of {key[-1]} before version {named.version} to compare it with",
            hint="Name another one: a tag, a version, or `dataset:NAME`",
        )
    reference, called = found
    return compute_drift(reference, current, asked.settings, named=(called, named), only=column)
