"""Which objects a data source's `path` means: one file, a glob, or a folder.

| path | objects |
|---|---|
| `flights/2013-01.csv` | that one |
| `flights/2013-*.csv` | those that match (`resources/connectors/files/key_patterns.py`) |
| `flights/` | every file below the folder `flights` that can be read |
| `flights` | the file of that name; if there is none, as `flights/` |

What can be read of a folder: with `format:` every file, without it those whose names end as a known format does.
Files and folders whose names begin with `.` or `_` are left out: markers and scratch of the programs that write there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from itertools import chain

from resources.connectors.base import FileConnector
from resources.connectors.files.key_patterns import KeyPattern
from resources.kernel.errors import NotFoundError, WaybillError
from resources.kernel.records import ObjectInfo

_WILD = re.compile(r"[*?\[]")
_HIDDEN = (".", "_")
_LOOKED_AT = 200
_NAMED = 3


def is_folder(path: str) -> bool:
    """Whether `path` says that it is a folder."""
    return path.endswith("/")


def may_be_folder(path: str) -> bool:
    """Whether `path` could be one: neither a glob nor a name with an ending."""
    name = path.removesuffix("/").rpartition("/")[2]
    return is_folder(path) or not (_WILD.search(path) or "." in name)


def check_path(path: str) -> None:
    """Looks at a path without asking anybody.

    Raises:
        ConfigError: one that makes no sense, wherever it is looked for.
    """
    KeyPattern(f"{path.removesuffix('/')}/**" if is_folder(path) else path)


def select_objects(
    connector: FileConnector,
    path: str,
    *,
    is_readable: Callable[[str], bool],
    after: str = "",
) -> Iterator[ObjectInfo]:
    """The objects that `path` means now, in order of key.

    Args:
        connector: where they are.
        path: a key, a glob or a folder.
        is_readable: whether a file of a folder counts, by its key.
        after: the last key that is known already; what `path` means does not depend on it.

    Raises:
        ConfigError: a path that makes no sense.
    """
    if not is_folder(path):
        # A name may be a folder's: only a look at all that it could mean tells.
        is_name = may_be_folder(path)
        found = iter(connector.list_objects(path, after="" if is_name else after))
        first = next(found, None)
        if first is not None:
            yield from (item for item in chain([first], found) if item.key > after)
            return
        if not is_name:
            return
    folder = path.removesuffix("/")
    depth = folder.count("/") + 1
    for item in connector.list_objects(f"{folder}/**", after=after):
        below = item.key.split("/")[depth:]
        if not any(part.startswith(_HIDDEN) for part in below) and is_readable(item.key):
            yield item


def near_paths(connector: FileConnector, path: str) -> str:
    """What there is instead, for the error about a path that means nothing: `; there are 'a.csv', 'b.csv'`.

    Looks at the folder of the path, or at the nearest one above it that exists. Empty when nothing can be said.
    """
    wild = _WILD.search(path)
    folder = (path[: wild.start()] if wild else path.removesuffix("/")).rpartition("/")[0]
    while True:
        try:
            entries = [entry.path for entry in connector.browse(folder, limit=_LOOKED_AT)]
            break
        except NotFoundError:
            if not folder:
                return ""
            folder = folder.rpartition("/")[0]
        except WaybillError:  # no right to look around: the path's own error is the one to raise
            return ""
    if not wild and f"{path.removesuffix('/')}/" in entries:
        return "; the folder is there, but holds no file that can be read by its name (or by `format:`)"
    near = get_close_matches(path, entries, n=_NAMED, cutoff=0.5) or entries[:_NAMED]
    listed = ", ".join(repr(name[-80:]) for name in near)
    more = ", ..." if len(entries) > len(near) else ""
    return f"; there are {listed}{more}" if near else ""
