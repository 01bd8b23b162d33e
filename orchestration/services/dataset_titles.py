"""Titles and descriptions of datasets: what people read. The name, by which YAML, SQL and the store know it, stays."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from collections.abc import Mapping
from contextlib import closing

from orchestration.services.dataset_list import DatasetEntry, DatasetTitle
from resources.home import waybill_home
from resources.kernel.errors import InputError
from resources.kernel.keys import Key

TITLE_LIMIT = 200
DESCRIPTION_LIMIT = 10_000
_DIRECTION = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINES = {"\n", "\r", "\t"}


def read_titles() -> Mapping[Key, DatasetTitle]:
    """What people call each dataset that has a title or a description of its own.

    The catalog in the home folder is read without SQLAlchemy: a list at a shell answers at once.

    Raises:
        WaybillError: a catalog elsewhere does not answer.
    """
    if os.environ.get("WAYBILL_CATALOG_URL"):
        from resources.stores.catalog.database import CatalogDatabase
        from resources.stores.catalog.dataset_titles import DatasetTitles

        found = DatasetTitles(CatalogDatabase.open()).all()
        return {key: DatasetTitle(*texts) for key, texts in found.items()}
    file = waybill_home() / "catalog.sqlite"
    if not file.exists():
        return {}
    query = "select asset_key, title, description from dataset_titles"
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
            return {
                tuple(k.split("/")): DatasetTitle(t, d) for k, t, d in connection.execute(query)
            }
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return {}  # the catalog holds no titles yet
        raise


def rename_dataset(
    entry: DatasetEntry, *, title: str | None = None, description: str | None = None, by: str = ""
) -> DatasetTitle:
    """Gives a dataset a title or a description; an empty one takes it back. What is None stays.

    Args:
        entry: the dataset.
        title: one line.
        description: Markdown, of any number of lines.
        by: who asks.

    Raises:
        InputError: neither is given, one is too long, or holds characters that do not show.
        WaybillError: the catalog refuses.
    """
    from resources.stores.catalog.database import CatalogDatabase
    from resources.stores.catalog.dataset_titles import DatasetTitles

    if title is None and description is None:
        raise InputError("nothing to change", hint="Give a title, a description, or both")
    if title is not None:
        title = _checked(title.strip(), "title", TITLE_LIMIT, allowed=set())
    if description is not None:
        text = description.strip().replace("\r\n", "\n")
        description = _checked(text, "description", DESCRIPTION_LIMIT, allowed=_LINES)
    titles = DatasetTitles(CatalogDatabase.open())
    return DatasetTitle(*titles.change(entry.key, title=title, description=description, by=by))


def _checked(text: str, what: str, limit: int, *, allowed: set[str]) -> str:
    if len(text) > limit:
        raise InputError(f"the {what} has {len(text):,} characters; {limit:,} are the most")
    for place, char in enumerate(text):
        hidden = unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in _DIRECTION
        if hidden and char not in allowed:
            raise InputError(
                f"the {what} holds the character U+{ord(char):04X} at place {place + 1}, which does not show",
                hint="Take it out: control characters and direction marks are not kept",
            )
    return text
