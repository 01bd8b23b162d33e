"""Single items changed: renamed, their metadata merged, put into another folder, taken out. Each is noted in the audit log, done or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import audited
from orchestration.services.collections.declared import DeclaredCollections
from orchestration.services.collections.items import ShownItem, show_item
from resources.collections.folders import check_folder
from resources.kernel.errors import InputError

MOST_AT_ONCE = 1_000
"""Items of one change."""
_NAMED = 50


@dataclass(frozen=True)
class MetadataChanges:
    """What is to become of custom metadata.

    Args:
        keys: their new values; None takes a key out.
        revision: of the item that this was decided upon; empty: whichever there is.
    """

    keys: Mapping[str, Any]
    revision: str = ""


def rename_item(
    collections: DeclaredCollections, actor: Actor, name: str, item_id: int, title: str
) -> ShownItem:
    """Gives an item another title.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: it has no such item.
        InputError: a title that is none.
    """
    subject = f"collections/{name}/items/{item_id}"
    with audited(collections.catalog.database, actor, "collection.rename-item", subject) as change:
        change.before = {"title": show_item(collections, name, item_id).title}
        collections.items.rename(name, item_id, title.strip())
        found = show_item(collections, name, item_id)
        change.after = {"title": found.title}
        return found


def merge_metadata(
    collections: DeclaredCollections,
    actor: Actor,
    name: str,
    item_id: int,
    changes: MetadataChanges,
) -> ShownItem:
    """Changes keys of an item's custom metadata and leaves the others. The schema judges what comes of it.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: it has no such item.
        ConflictError: the item was changed since the revision that is named.
        InputError: a value is not what its key declares, or cannot be kept; `problems` has each.
    """
    subject = f"collections/{name}/items/{item_id}"
    with audited(
        collections.catalog.database, actor, "collection.merge-metadata", subject
    ) as change:
        before = show_item(collections, name, item_id).metadata or {}
        change.before = {key: before.get(key) for key in changes.keys}
        collections.items.merge_metadata(name, item_id, changes.keys, revision=changes.revision)
        found = show_item(collections, name, item_id)
        after = found.metadata or {}
        change.after = {key: after.get(key) for key in changes.keys}
        return found


def move_items(
    collections: DeclaredCollections, actor: Actor, name: str, ids: Sequence[int], folder: str
) -> int:
    """Puts items into a folder, which is made if it is not there; says how many.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: nothing was imported into it yet.
        InputError: no items, too many, or a folder that cannot be.
    """
    subject = f"collections/{name}"
    with audited(collections.catalog.database, actor, "collection.move-items", subject) as change:
        change.detail = _told(ids)
        collections.find(name)
        moved = collections.items.move(name, _checked(ids), check_folder(folder))
        change.after = {"folder": folder, "items": moved}
        return moved


def remove_items(
    collections: DeclaredCollections, actor: Actor, name: str, ids: Sequence[int]
) -> int:
    """Takes items out; says how many. Their objects are not touched, logs of imports keep what failed.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: nothing was imported into it yet.
        InputError: no items, or too many.
    """
    subject = f"collections/{name}"
    with audited(collections.catalog.database, actor, "collection.remove-items", subject) as change:
        change.detail = _told(ids)
        collections.find(name)
        removed = collections.items.remove(name, _checked(ids))
        change.after = {"items": removed}
        return removed


def _checked(ids: Sequence[int]) -> list[int]:
    found = list(dict.fromkeys(ids))
    if not 0 < len(found) <= MOST_AT_ONCE:
        raise InputError(
            f"{len(found):,} items are named", hint=f"Name 1 to {MOST_AT_ONCE:,} of them"
        )
    return found


def _told(ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:_NAMED]))
    return (
        f"items {shown}, and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else f"items {shown}"
    )
