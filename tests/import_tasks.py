"""Import tasks for tests of their targets: files handed in, tasks made and carried out here, what became of each item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.location import Location
from orchestration.services.home import open_home
from orchestration.services.import_tasks.items import list_items
from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.import_tasks.shown import ImportTask
from orchestration.services.import_tasks.starting import create_task, start_here
from orchestration.services.runs.start import Asked
from orchestration.services.runs.workplace import Workplace
from resources.import_tasks.definition import parse_definition
from resources.stores.uploads import UploadStore


@contextmanager
def workplace(location: Location, home: Path) -> Iterator[Workplace]:
    """A home folder in which Ann works, with the folder `landing` in it."""
    (home / "landing").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(home))
        patch.delenv("DAGSTER_HOME", raising=False)
        with dg.instance_for_test(temp_dir=str(home)) as instance:
            yield Workplace(open_home(), location, instance, Asked("ann"))


def handed_in(home: Path, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The source of a task of these files."""
    found = []
    for name, data in files.items():
        path = home / "given"
        path.write_bytes(data)
        sha256 = UploadStore.open().stage(path, limit=10**9).sha256
        found.append({"sha256": sha256, "name": name, "size": len(data)})
    return {"type": "upload", "files": found}


def objects(path: str, connector: str = "landing") -> dict[str, Any]:
    """The source of a task of objects."""
    return {"type": "connector", "connector": connector, "path": path}


def created(place: Workplace, kind: str, name: str, source: object, **options: Any) -> ImportTask:
    """A task that is not started."""
    target = {"kind": kind, "name": name}
    told = {"name": "", "target": target, "source": source, "options": options}
    return create_task(place, parse_definition(told), start=False, via="cli")


def ended(place: Workplace, kind: str, name: str, source: object, **options: Any) -> ImportTask:
    """A task that was carried out."""
    task = created(place, kind, name, source, **options)
    return start_here(place, task.id, lambda _: None)


def outcomes(place: Workplace, task: ImportTask) -> dict[str, tuple[str, str]]:
    """Of each item its state, and what became of it or which rule it broke."""
    found = list_items(records(place), task.id).items
    return {one.name: (one.state, one.outcome or one.rule) for one in found}


def records(place: Workplace) -> TaskRecords:
    """All tasks."""
    return TaskRecords.of(place.location, place.instance)
