"""What the files of one task are called: two of them are never called the same."""

from __future__ import annotations

from pathlib import PurePath


class FileNames:
    """Of those that are called alike all but the first get a number before the ending: `report (2).pdf`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def own(self, name: str) -> str:
        """The name, or the next numbered one that is free."""
        found = name
        while found in self._taken:
            number = self._last[name] = self._last.get(name, 1) + 1
            path = PurePath(name)
            found = f"{path.stem} ({number}){path.suffix}"
        self._taken.add(found)
        return found
