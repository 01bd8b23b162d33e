"""The text of an item as a task has read it: what its page shows where no browser could show the file."""

from __future__ import annotations

from assets.collections.texts import unpack
from orchestration.services.collections.declared import DeclaredCollections
from resources.stores.catalog.collections.texts import StoredTexts


def kept_text(collections: DeclaredCollections, item_id: int) -> str | None:
    """The text of an item as Markdown; None: none was read.

    Raises:
        IntegrityError: what is kept of it is damaged.
    """
    from resources.documents.markdown import to_markdown

    packed = StoredTexts(collections.catalog.database).find(item_id)
    return None if packed is None else to_markdown(unpack(packed))
