"""Single items changed: renamed, put into another folder, taken out. Each is noted in the audit log, done or refused."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import audited
from orchestration.services.collections.declared import DeclaredCollections
from orchestration.services.collections.items import ShownItem, show_item
from resources.collections.folders import check_folder
from resources.kernel.errors import InputError

MOST_AT_ONCE = 1_000
"""Items of one change."""
_NAMED = 50


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
