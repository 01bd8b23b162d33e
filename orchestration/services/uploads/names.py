"""Names of files as strangers write them: shown, never used as a path."""

from __future__ import annotations

import re

from resources.formats.registry import is_readable_name
from resources.kernel.errors import InputError

NAME_LIMIT = 200


def shown_name(given: str) -> str:
    """The name of a file without folders, control characters and direction marks, cut to a length that can be shown.

    Raises:
        InputError: nothing is left of it.
    """
    last = given.replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = "".join(char if char.isprintable() else " " for char in last)
    name = name.encode("utf-8", "replace").decode()  # single surrogates are no text
    name = " ".join(name.split()).lstrip(".")
    if not name:
        raise InputError(
            f"{given[:60]!r} is no name of a file",
            hint="Give the file a name with an ending: data.csv",
        )
    stem, dot, endings = name.partition(".")
    return name if len(name) <= NAME_LIMIT else stem[: NAME_LIMIT - 40] + (dot + endings)[-40:]


def proposed_name(filename: str) -> str:
    """What a dataset of this file may be called: `Sales 2024.csv.gz` is `sales_2024`."""
    stem = filename.partition(".")[0].lower()
    name = re.sub(r"[^a-z0-9]+", "_", stem).strip("_")
    if not name:
        return "upload"
    return (name if name[0].isalpha() else f"d_{name}")[:100]


def tells_format(filename: str) -> bool:
    """Whether a name tells how to read the file."""
    return is_readable_name(filename)
