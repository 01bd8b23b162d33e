"""Folders of a collection: paths of names that hold items, and nothing else (F110)."""

from __future__ import annotations

from resources.kernel.errors import InputError

FOLDER_LIMIT = 300
NAME_LIMIT = 100


def check_folder(path: str) -> str:
    """The path of a folder without `/` at its ends; empty: the collection itself.

    Raises:
        InputError: an empty name, `.` or `..`, a control character, more than it may have.
    """
    given = path.strip("/")
    if not given:
        return ""
    names = given.split("/")
    reason = ""
    if any(name.strip() in ("", ".", "..") for name in names):
        reason = "each name between `/` must say something"
    elif not all(c.isprintable() for c in given):
        reason = "it holds a control character"
    elif any(name != name.strip() for name in names):
        reason = "a name begins or ends with a blank"
    elif len(given) > FOLDER_LIMIT or max(map(len, names)) > NAME_LIMIT:
        reason = f"names have at most {NAME_LIMIT} characters, all together {FOLDER_LIMIT}"
    if reason:
        raise InputError(
            f"{path[:80]!r} is no folder: {reason}", hint="Give a path such as `site/north`"
        )
    return given
