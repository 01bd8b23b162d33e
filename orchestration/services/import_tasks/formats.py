"""What tasks take, and their limits: one closed list, told before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.services.uploads.limits import upload_limit
from orchestration.services.uploads.receiving import FORM_FILES
from resources.import_tasks.definition import MOST_ADDRESSES, MOST_FILES, MOST_PAGES
from resources.import_tasks.formats import TASK_FORMATS, FormatGroup


@dataclass(frozen=True)
class TakenFormat:
    """A format that tasks take."""

    title: str
    group: FormatGroup
    endings: tuple[str, ...]
    """In any case of letters; the content has to be what they say."""
    type: str
    """What an item of it is in a collection; empty: its members are the items."""


@dataclass(frozen=True)
class TakenFormats:
    """All of them, and how much there may be."""

    formats: tuple[TakenFormat, ...]
    max_bytes: int
    """Of one uploaded file."""
    max_files: int
    """Uploaded files of one task; a ZIP may hold more."""
    max_form_files: int
    """Files that one form (`multipart/form-data`) brings."""
    max_addresses: int
    """Addresses that one task names; a sitemap may have more."""
    max_pages: int
    """Pages that a crawl may be told to take."""


def taken_formats() -> TakenFormats:
    """The closed list, and the limits of this server."""
    found = (TakenFormat(one.title, one.group, one.endings, one.type or "") for one in TASK_FORMATS)
    return TakenFormats(
        tuple(found), upload_limit(), MOST_FILES, FORM_FILES, MOST_ADDRESSES, MOST_PAGES
    )
