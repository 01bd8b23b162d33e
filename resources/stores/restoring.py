"""A version made anew from an earlier one: the same files under the next number, nothing copied.

1. The earlier version is held for this run (`tagging.py`): no collection removes it, or it has done so already and this ends here.
2. The next number is created with the files of that version (`publish.py`). They lie where they are; the collection removes a data
   folder when no manifest names a file in it.
3. The hold is given up. The earlier version then stays for a day, as one that has just lost its tag: a collection that has listed
   manifests before 2 has seen it there, and leaves its folders.

Killed before 2: nothing has happened, and the hold ends after a day. Later: the version is there, and a retry of the run finds it.
A removal of all versions meanwhile wins: the new manifest is taken back, as with partitions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from resources.kernel.records import StoredFile, StoredVersion
from resources.kernel.schema import SCHEMA_CHANGE, change_between, change_properties
from resources.stores.looking import absent_file, damaged_file, missing_version
from resources.stores.manifest import Manifest
from resources.stores.manifest_log import ManifestLog
from resources.stores.publish import Publisher, VersionPlan
from resources.stores.storage import sizes_in
from resources.stores.tagging import Tagging

PROPERTY = "restored_from"
"""Property of a version that was made from an earlier one: its number."""


def restore_version(log: ManifestLog, number: int, *, run_id: str, by: str = "") -> Manifest:
    """Publishes what version `number` holds as the newest, once a run.

    Args:
        log: of the item.
        number: of the earlier version.
        run_id: the run that does it.
        by: who asked.

    Raises:
        GoneError: the version was collected, or is about to be.
        NotFoundError: it never was.
        IntegrityError: its manifest is damaged, or a file of it is missing.
    """
    if done := _done(log, run_id):
        return done
    with Tagging(log).held(number, run_id) as source, Restorer(log, run_id, source) as restorer:
        return restorer.restore(by)


def restored_from(version: StoredVersion) -> int | None:
    """The earlier version whose content a version has again; None of one that was made."""
    found = version.properties.get(PROPERTY)
    return found if isinstance(found, int) else None


def _done(log: ManifestLog, run_id: str) -> Manifest | None:
    """What the run made before: also once the earlier version is gone."""
    runs, _ = log.run_ids(log.numbers())
    numbers = [number for number, found in runs.items() if found == run_id]
    return next(iter(log.read_undamaged(numbers)[0]), None)


class Restorer(Publisher):
    """Publishes files that an earlier version has.

    Args:
        log: of the item.
        run_id: the run that does it.
        source: the earlier version.
    """

    def __init__(self, log: ManifestLog, run_id: str, source: Manifest) -> None:
        super().__init__(log, run_id)
        self._source = source

    def restore(self, by: str) -> Manifest:
        """The new version."""
        source = self._source
        kept = {n: value for n, value in source.properties.items() if n != SCHEMA_CHANGE}
        properties = {**kept, PROPERTY: source.number, "restored_by": by}
        plan = VersionPlan(source.files, source.rows, source.arrow_schema, properties, None)
        self._published = self._append(plan)
        return self._published

    def _base(self, plan: VersionPlan, numbers: list[int]) -> Manifest | None:  # noqa: ARG002 - as its parent has it
        found = self._log.read(self._source.number)
        if found is None:  # held: so all versions were removed
            raise missing_version(self._log, self._source.number)
        return found

    def _manifest(self, number: int, plan: VersionPlan, base: Manifest | None) -> Manifest:
        made = super()._manifest(number, plan, base)
        return replace(
            made,
            schema=self._source.schema,
            partitioned_by=self._source.partitioned_by,
            properties={**made.properties, **self._change_since(number - 1)},
        )

    def _change_since(self, number: int) -> dict[str, Any]:
        """How the columns differ from those of the version before this one, not from what came before the earlier one."""
        before, schema = self._log.read_undamaged([number])[0], self._source.arrow_schema
        if not before or before[0].arrow_schema is None or schema is None:
            return {}
        return change_properties(change_between(before[0].arrow_schema, schema))

    def _check_files(self, files: tuple[StoredFile, ...]) -> None:
        sizes: dict[str, dict[str, int]] = {}
        for file in files:
            folder, _, name = self._log.item_path(file.path).rpartition("/")
            if folder not in sizes:
                sizes[folder] = sizes_in(self._log.storage, folder)
            if name not in sizes[folder]:
                raise absent_file(self._log, self._source, file)
            if sizes[folder][name] != file.size_bytes:
                reason = f"{sizes[folder][name]} of {file.size_bytes} bytes"
                raise damaged_file(self._log, self._source, file, reason)
