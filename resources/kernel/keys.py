"""Names and asset keys: one rule for what a thing may be called, one table of the nouns that are assets.

Keys are plain tuples of text here; Dagster's `AssetKey` takes them as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from resources.kernel.errors import ConfigError, said

NAME_LIMIT = 100
_NAME = re.compile(r"[a-z][a-z0-9_]*")

Noun = Literal["datasources", "datasets", "models", "embeddings", "exports"]
Key = tuple[str, ...]

NOUNS: Mapping[Noun, str] = {
    "datasources": "datasource",
    "datasets": "dataset",
    "models": "model",
    "embeddings": "embedding",
    "exports": "exporter",
}
"""First part of the asset keys of each noun, and what one is called."""

IMAGE_FOLDER = "image folder"
TABLE_NOUNS = ("dataset", IMAGE_FOLDER)
"""What an asset below `datasets` is: a table of rows, or a table of images that are kept beside it. SQL reads both; only
a dataset can be exported."""

NOUN_TAG = "waybill/noun"
"""Tag that says what an asset is, in the words of `NOUNS` and `TABLE_NOUNS`; what has none is known by its key."""

ROW_KEY = "waybill/key"
"""Metadata of a table: the columns that tell its rows apart."""

SHARED_RESOURCES = ("store", "catalog", "io_manager", "handles")
"""Keys of the resources that every project has; no connector can be called so."""


def is_name(text: str) -> bool:
    """Whether `text` may name a thing: lower-case letters, digits and `_`, a letter first."""
    return bool(_NAME.fullmatch(text)) and len(text) <= NAME_LIMIT


def is_table_name(text: str) -> bool:
    """Whether a table may be called `text`: by a name, or as what hangs on another one, such as `library/chunks`."""
    return all(map(is_name, text.split("/")))


def check_name(noun: str, name: str, *, where: str = "") -> str:
    """`name` itself if it may name a `noun`: lower-case letters, digits and `_`, a letter first.

    Args:
        noun: what it would name.
        name: the candidate.
        where: file and line for the error.

    Raises:
        ConfigError: anything else, with a name that would do.
    """
    if is_name(name):
        return name
    proposal = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:NAME_LIMIT]
    better = proposal if is_name(proposal) else f"{noun.replace(' ', '_')}_1"
    text = f"{name!r} cannot name {'an' if noun[0] in 'aeiou' else 'a'} {said(noun)}"
    raise ConfigError(
        f"{where}: {text}" if where else text,
        hint=f"Use lower-case letters, digits and '_', a letter first, at most {NAME_LIMIT}"
        f" characters; for instance {better!r}",
        name=name,
    )


def noun_of(key: Key, tags: Mapping[str, str]) -> str:
    """What an asset is: `dataset`, `model`, ... by its tag; one without by its key, as a user's own Python has it.

    Empty for anything that Waybill does not know.
    """
    return tags.get(NOUN_TAG, "").replace("-", " ") or noun_of_key(key)


def tag_of(noun: str) -> str:
    """What `NOUN_TAG` says of a noun: values of tags have no spaces."""
    return noun.replace(" ", "-")


def noun_of_key(key: Key) -> str:
    """What an asset of this key is unless it says otherwise itself; empty for anything that Waybill does not know."""
    return NOUNS.get(key[0], "") if len(key) > 1 else ""  # type: ignore[call-overload]  # any text is asked


def asset_key(noun: Noun, name: str) -> Key:
    """The asset key of a thing: `("datasets", "flights")`.

    Tables that Waybill keeps are all datasets: made by an import, a transform or a prediction. What hangs on another one has its
    name before its own: `library/chunks` is `("datasets", "library", "chunks")`.
    """
    return (noun, *name.split("/"))
