"""Which files an item has, and which pictures there are of it: from what the catalog knows, without a look at any object."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from orchestration.services.collections.items import ShownItem
from orchestration.services.collections.thumbnails import LARGE_EDGE, ObjectRef, PictureWanted
from resources.collections.items import TASK_TYPES
from resources.kernel.errors import NotFoundError
from resources.media.prober import file_type_of, shown_file

_WITHOUT_PICTURE = TASK_TYPES | {"text"}


def file_of(collection: str, item: ShownItem, number: int) -> ObjectRef:
    """One of an item's files.

    Args:
        collection: the item's.
        item: the item.
        number: which, from 0 on.

    Raises:
        NotFoundError: it has not so many.
    """
    if not 0 <= number < len(item.urls):
        raise NotFoundError(
            f"item {item.id} has {len(item.urls):,} files, none with the number {number + 1:,}"
        )
    url = item.urls[number]
    sha256 = item.objects[number] if number < len(item.objects) else ""
    # What a document is made of is not asked of parsers of media: its bytes are handed out as they are.
    kind = "text" if item.type in TASK_TYPES else file_type_of(item.type)
    return ObjectRef(kind, name_of(url), sha256, collection, url)


def thumbnail_of(collection: str, item: ShownItem) -> PictureWanted | None:
    """The picture that stands for an item; None: its type has none, or what is wrong with it is known."""
    if item.type in _WITHOUT_PICTURE or item.state == "failed":
        return None
    return PictureWanted(file_of(collection, item, shown_file(item.type, len(item.urls))))


def picture_of(
    collection: str, item: ShownItem, number: int, place: int | None = None
) -> PictureWanted:
    """A large picture of one of an item's files.

    Args:
        collection: the item's.
        item: the item.
        number: which file, from 0 on.
        place: which page, slice or frame of it, or which millisecond; None: what stands for it.

    Raises:
        NotFoundError: it has not so many files; of its type there are no pictures.
    """
    if item.type in _WITHOUT_PICTURE:
        raise NotFoundError(f"item {item.id} is a text: there is no picture of it")
    return PictureWanted(file_of(collection, item, number), place, LARGE_EDGE)


def name_of(url: str) -> str:
    """The name of the file at a URL, for people."""
    path = unquote(urlsplit(url).path)
    return path.rstrip("/").rpartition("/")[2][:200] or url[:200]
