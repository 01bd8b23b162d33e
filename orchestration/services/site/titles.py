"""What people call a dataset or an image folder, changed by way of the server: the audit log notes it."""

from __future__ import annotations

from dataclasses import asdict

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import audited
from orchestration.services.dataset_list import DatasetEntry, DatasetTitle
from orchestration.services.dataset_titles import read_titles, rename_dataset
from orchestration.services.site.site import Site


def retitle(
    site: Site,
    actor: Actor,
    use_case: str,
    entry: DatasetEntry,
    title: str | None,
    description: str | None,
) -> DatasetTitle:
    """Gives a thing a title or a description; its name stays.

    Args:
        site: the server's view.
        actor: who asks.
        use_case: what the audit log calls it: `dataset.rename`, `image-folder.rename`.
        entry: the thing.
        title: empty takes it back; None leaves it.
        description: likewise.

    Raises:
        InputError: neither is given, one is too long, or holds characters that do not show.
    """
    with audited(site.catalog, actor, use_case, f"datasets/{entry.name}") as change:
        change.before = asdict(read_titles().get(entry.key) or DatasetTitle())
        found = rename_dataset(entry, title=title, description=description, by=actor.name)
        change.after = asdict(found)
    return found
