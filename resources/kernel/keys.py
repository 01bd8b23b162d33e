"""Names and asset keys: one rule for what a thing may be called, one key for each noun.

Keys are plain tuples of text here; Dagster's `AssetKey` takes them as they are.
"""

from __future__ import annotations

import re
from typing import Literal

from resources.kernel.errors import ConfigError

NAME_LIMIT = 100
_NAME = re.compile(r"[a-z][a-z0-9_]*")

Noun = Literal["datasources", "datasets", "models", "embeddings", "exports"]
Key = tuple[str, ...]


def is_name(text: str) -> bool:
    """Whether `text` may name a thing: lower-case letters, digits and `_`, a letter first."""
    return bool(_NAME.fullmatch(text)) and len(text) <= NAME_LIMIT


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
    raise ConfigError(
        f"{where}: {name!r} cannot name a {noun}" if where else f"{name!r} cannot name a {noun}",
        hint=f"Use lower-case letters, digits and '_', a letter first, at most {NAME_LIMIT}"
        f" characters; for instance {better!r}",
        name=name,
    )


def asset_key(noun: Noun, name: str) -> Key:
    """The asset key of a thing: `("datasets", "flights")`.

    Tables that Waybill keeps are all datasets, whoever makes them: an import, a transform or a prediction.
    """
    return (noun, name)
