"""Addresses of forms that were also those of a thing called `new`, `upload` or `summary`; what has such a name comes first now."""

from __future__ import annotations

import re

_OLD = (
    re.compile(r"(/data/[^/]+/[a-z]+s)/(new)"),
    re.compile(r"(/data/[^/]+/datasets)/(upload)"),
    re.compile(r"(/api/v1/projects/[^/]+/definitions/[a-z]+s)/(new)"),
    re.compile(r"(/api/v1/projects/[^/]+/datasets)/(summary)"),
)
APART = "-"
"""Nothing is called so: what stands below it in a path is no thing's name."""


def moved_to(path: str, query: str) -> str:
    """Where what had this address is now, for a path at which there is nothing; empty where there never was."""
    for old in _OLD:
        if (found := old.fullmatch(path)) is not None:
            return f"{found[1]}/{APART}/{found[2]}" + (f"?{query}" if query else "")
    return ""
