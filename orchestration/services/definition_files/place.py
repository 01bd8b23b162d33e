"""Where a new definition goes: into a file of its own, `defs/<noun>s/<name>/defs.yaml`.

Dagster reads nothing below a folder that has a component file. Where such a file stands above the new one's place, the
definition goes to the end of that file.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.loading.documents import NAMES, component_file


def place_for(root: Path, noun: str, name: str) -> Path:
    """The component file that a new definition goes into; it need not be there yet.

    Args:
        root: the folder of the definitions.
        noun: what it is.
        name: what it is called: letters, digits and `_`.
    """
    folder = root / f"{noun.replace(' ', '_')}s"
    for above in (root, folder):
        owner = component_file(above)
        if owner is not None and b"DefsFolderComponent" not in owner.read_bytes():
            return owner
    there = folder.iterdir() if folder.is_dir() else ()
    taken = {path.name for path in there if not path.is_dir() or any(path.iterdir())}
    numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    free = next(found for found in (name, *numbered) if found not in taken)
    return folder / free / NAMES[0]
