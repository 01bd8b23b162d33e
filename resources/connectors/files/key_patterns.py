"""Keys of objects and the globs that select them: one rule for folders, buckets and file servers.

Here: what a key may be, what a pattern means, and what of a listing a pattern lets a connector leave out. Not here:
listing itself, which every connector does in its own way.

| pattern | selects |
|---|---|
| `flights/2013-01.csv` | that one key |
| `flights/2013-*.csv` | `*` and `?` stay within one part of the path |
| `flights/[ab]-[!0-9].csv` | a set, its complement; `[*]` is a plain star |
| `flights/**/*.csv` | `**` is a whole part and stands for any number of parts, also none |
| `flights/**` | everything below `flights` |
| `flights/.*.csv` | hidden files: a leading dot is matched only by a dot, as in a shell |
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from resources.kernel.errors import ConfigError, InputError

KEY_LIMIT_BYTES = 1024
"""The longest key of S3 and GCS, in UTF-8; every connector keeps to it, so that keys travel between them."""

PATTERN_LIMIT = 2048
_WILD = re.compile(r"[*?\[]")
_ANY_PARTS = "**"
_KEY_SHOWN = 120


def check_key(key: str) -> str:
    """`key` itself if an object may be written there: relative, no way out, no way to be misread (T19).

    Raises:
        InputError: an absolute key, a part that is empty, `.` or `..`, a NUL, text that is no Unicode, too long.
    """
    reason = _why_refused(key)
    if reason:
        raise InputError(
            f"{key[:200]!r} cannot be the key of an object: {reason}",
            hint="Use a path from the connector's root with '/' between its parts, for instance 'exports/delays.csv'",
            key=key[:200],
        )
    return key


def folder_prefix(path: str) -> str:
    """What the keys below the folder `path` begin with: empty for the root, else ending in one `/`.

    `flights` and `flights/` are the same folder.

    Raises:
        InputError: a path that no folder can have.
    """
    return check_key(path.removesuffix("/")) + "/" if path else ""


def _why_refused(key: str) -> str:
    if not key:
        return "it is empty"
    if key.startswith("/"):
        return "it is absolute"
    if "\0" in key:
        return "it holds a NUL character"
    bad = next((part for part in key.split("/") if part in ("", ".", "..")), None)
    if bad is not None:
        return f"it has a part {bad!r}" if bad else "it has an empty part"
    if any("\ud800" <= character <= "\udfff" for character in key):
        return "it is not valid Unicode"
    size = len(key.encode())
    return f"it has {size} bytes, {KEY_LIMIT_BYTES} are allowed" if size > KEY_LIMIT_BYTES else ""


def is_hidden(name: str) -> bool:
    """Whether a part of a key is left out unless it is named: `.a.csv`, macOS's `._a.csv`, half an rsync."""
    return name.startswith(".")


class KeyPattern:
    """A key or a glob, parsed once, matched often.

    Matching costs time in proportion to key times pattern, whatever the pattern (no regular expression that backtracks).

    Attributes:
        text: the pattern as the user wrote it.
        is_key: no wildcard in it: it selects one key at most.
        prefix: what every key that matches begins with.
        folder: the parts before the first wildcard: `a/b` of `a/b/c*`.
        is_one_folder: everything that matches lies directly in `folder`.
    """

    def __init__(self, text: str) -> None:
        """Parses `text`.

        Raises:
            ConfigError: an absolute pattern, empty parts, `.` or `..`, `**` glued to other text.
        """
        _check_pattern(text)
        self.text = text
        parts = text.split("/")
        if parts[-1] == _ANY_PARTS:
            parts.append("*")
        self._parts = tuple(parts)
        self._tests = [_test_of(part) for part in parts]
        wild = next((i for i, part in enumerate(parts) if _WILD.search(part)), None)
        self.is_key = wild is None
        self.is_one_folder = wild == len(parts) - 1
        self.folder = "/".join(parts[: len(parts) - 1 if wild is None else wild])
        found = _WILD.search(text)
        self.prefix = text[: found.start()] if found else text
        self._last = ("", self._closure({0}))

    def __repr__(self) -> str:
        return f"KeyPattern({self.text!r})"

    def matches(self, key: str) -> bool:
        """Whether `key` is selected."""
        if self.is_key:
            return key == self.text
        folder, _, name = key.rpartition("/")
        final = len(self._parts) - 1
        return final in self._states(folder, "/" in key) and bool(self._tests[final](name))

    def may_match_below(self, folder: str) -> bool:
        """Whether a key that begins with `folder/` can be selected: if not, there is no need to look there."""
        return bool(self._states(folder, True))

    def _states(self, folder: str, has_folder: bool) -> frozenset[int]:
        """Positions in the pattern at which the part after `folder` may continue."""
        if not has_folder:
            return self._closure({0})
        known, states = self._last
        if known != folder or not known:
            states = self._closure({0})
            for part in folder.split("/"):
                states = self._after(states, part)
            self._last = (
                folder,
                states,
            )  # keys come in order: the next one is mostly beside this one
        return states

    def _after(self, states: frozenset[int], part: str) -> frozenset[int]:
        kept = {i for i in states if self._parts[i] == _ANY_PARTS}
        if is_hidden(part):
            states, kept = states - kept, set()
        moved = {i + 1 for i in states - kept if i + 1 < len(self._parts) and self._tests[i](part)}
        return self._closure(kept | moved)

    def _closure(self, states: set[int]) -> frozenset[int]:
        reached = set(states)
        for i in sorted(states):
            following = i
            while self._parts[following] == _ANY_PARTS:
                following += 1
                reached.add(following)
        return frozenset(reached)


def _test_of(part: str) -> Callable[[str], object]:
    """Whether a name matches one part of a pattern; a wildcard stands for no leading dot."""
    matches = re.compile(fnmatch.translate(part)).fullmatch
    if is_hidden(part):
        return matches
    return lambda name: not is_hidden(name) and matches(name)


def _check_pattern(text: str) -> None:
    parts = text.split("/")
    reason = ""
    if not text:
        reason = "it is empty"
    elif len(text) > PATTERN_LIMIT:
        reason = f"it has {len(text)} characters, {PATTERN_LIMIT} are allowed"
    elif text.startswith("/"):
        reason = "it is absolute; paths start at the connector's root"
    elif "\0" in text:
        reason = "it holds a NUL character"
    elif text.endswith("/"):
        reason = f"it ends in '/'; everything in that folder is {text[:80] + '*'!r}"
    elif any(part in ("", ".", "..") for part in parts):
        reason = "it has a part that is empty, '.' or '..'"
    elif any(_ANY_PARTS in part and part != _ANY_PARTS for part in parts):
        reason = "'**' must stand alone between slashes, as in 'flights/**/*.csv'"
    if reason:
        raise ConfigError(
            f"{text[:200]!r} cannot select objects: {reason}",
            hint="Give a key or a glob such as 'flights/2013-*.csv'",
            pattern=text[:200],
        )


def shown(key: str) -> str:
    """A key as errors and logs show it: quoted, control characters escaped, its end when it is long (T35)."""
    return repr(key) if len(key) <= _KEY_SHOWN else repr("..." + key[-_KEY_SHOWN:])
