"""Removal of all versions of an item because somebody asked for it; `collect.py` removes what is merely old.

0. Tags and pins are taken away, and it is written beside them that no version up to the newest gets another
   (`retention_log.py`). Refused here where there are some and who asks did not say that they may go.
1. A mark is created: `v/<newest number>.removed`, with who asked, when, and the data folders that the versions name.
   From then on no writer is given a number at or below it, so a version number never stands for two contents.
2. The manifests go, in ascending order: the newest stays whole until it goes itself.
3. Data folders of the mark go that no manifest names. A version published meanwhile stays, with every file that it names.
4. What killed runs left goes by the rules of the collection, which spare what a running one is writing.

Killed before 0: nothing has happened. Before 1: versions are there, without tags. Before the end of 2: the newest version is still there, whole. Later: there is none,
and data is left that nobody reads. The next removal goes on from there; so does the collection after the next version.

Whoever has a version open reads on from files that are open on this machine already; whoever opens one later is
told that it is gone (`GoneError`), as with any version that was collected. There is no grace: who asks for a removal
wants the rows gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from resources.kernel.errors import InUseError
from resources.stores.collect import DEFAULT_GRACE, CollectReport, collect
from resources.stores.manifest import Manifest
from resources.stores.manifest_log import ManifestLog
from resources.stores.retention import Retention

_AT_ONCE = 50
_SHOWN = 10


@dataclass(frozen=True)
class Removal:
    """That all versions were removed."""

    number: int
    """The newest of them."""
    at: datetime | None = None
    by: str = ""


def remove_versions(log: ManifestLog, *, by: str = "", with_tags: bool = False) -> CollectReport:
    """Removes every version of an item, and the data that they name.

    Args:
        log: of the item.
        by: who asked; kept in the mark.
        with_tags: also versions that are tagged or pinned.

    Raises:
        InUseError: some are, and they are not to go; nothing was removed.
        StorageError: the store refuses; what has been removed by then stays removed, and a second call goes on.
    """
    numbers, marked = log.listed()
    newest = max([*numbers, marked])
    if newest == 0:
        return CollectReport()
    log.retention.change(lambda state: _let_go(log, state, newest, with_tags=with_tags))
    folders = sorted(_folders_of(log, numbers) | _marked_folders(log, marked))
    if newest > marked or numbers:
        _mark(log, newest, folders, by)
    for number in numbers:
        log.remove(number)
    kept, _ = log.listed()
    gone = _gone(log, kept, folders)
    freed = sum(log.storage.remove_folder(f"{log.data_path}/{name}") for name in gone)
    if marked and marked < newest:
        log.unmark(marked)
    left = collect(log, keep=max(len(kept), 1), grace=DEFAULT_GRACE)
    return CollectReport(
        tuple(numbers), tuple(kept), (*gone, *left.removed_folders), freed + left.freed_bytes
    )


def read_removal(log: ManifestLog) -> Removal | None:
    """The removal that was the last thing to happen to an item; None where a version is there, or none ever was."""
    numbers, marked = log.listed()
    if numbers or not marked:
        return None
    facts = _facts(log, marked)
    try:
        return Removal(marked, datetime.fromisoformat(facts["at"]), str(facts["by"]))
    except (KeyError, TypeError, ValueError):
        return Removal(marked)  # cut off or changed by hand: that it is there says enough


def _let_go(log: ManifestLog, state: Retention, newest: int, *, with_tags: bool) -> Retention:
    if (state.tags or state.pins) and not with_tags:
        raise in_use(log.name, state)
    return Retention(floor=max(state.floor, newest), changes=state.changes)


def in_use(name: str, state: Retention) -> InUseError:
    """What is said of an item that cannot be removed, since somebody keeps versions of it."""
    said = [f"the tag {tag!r} at version {state.tags[tag].version}" for tag in sorted(state.tags)]
    said += [f"a pin at version {version}" for version in sorted(state.pins)]
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return InUseError(
        f"{name} has {', '.join(said[:_SHOWN])}{more}",
        hint="Tagged and pinned versions are kept until somebody says that they may go, too",
        tags=sorted(state.tags),
    )


def _mark(log: ManifestLog, number: int, folders: list[str], by: str) -> None:
    facts = {"at": datetime.now(UTC).isoformat(), "by": by, "folders": folders}
    log.mark_removed(number, json.dumps(facts, ensure_ascii=False, indent=1).encode())


def _facts(log: ManifestLog, number: int) -> dict[str, str]:
    try:
        found = json.loads(log.removal(number) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _marked_folders(log: ManifestLog, number: int) -> set[str]:
    """Of a removal that was cut off before its data had gone."""
    listed: object = _facts(log, number).get("folders") if number else None
    names = listed if isinstance(listed, list) else []
    return {
        name for name in names if isinstance(name, str) and "/" not in name and ".." not in name
    }


def _folders_of(log: ManifestLog, numbers: list[int]) -> set[str]:
    """Data folders that the undamaged ones of some versions name."""
    found: set[str] = set()
    for start in range(0, len(numbers), _AT_ONCE):
        manifests, _ = log.read_undamaged(numbers[start : start + _AT_ONCE])
        found |= _named(manifests)
    return found


def _gone(log: ManifestLog, kept: list[int], folders: list[str]) -> list[str]:
    """Those of the folders that no version names which was published meanwhile; none while one of these is damaged."""
    manifests, damage = log.read_undamaged(kept)
    if damage or len(manifests) < len(kept):
        return []
    named, there = _named(manifests), log.storage.data_folders(log.data_path)
    return [name for name in folders if name in there and name not in named]


def _named(manifests: Iterable[Manifest]) -> set[str]:
    return {file.path.split("/")[1] for manifest in manifests for file in manifest.files}
