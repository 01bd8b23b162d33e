"""What libraries work out anew each time and what is the same each time, in a process of tests: kept from the first time on.

A process of Waybill needs each of it once; one of the tests needs it hundreds of times.
"""

from __future__ import annotations

import functools
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

# As they are now: tests count or break those of `os`.
from os import link, unlink
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from alembic.config import Config
from alembic.script import ScriptDirectory


def remember_revisions() -> None:
    """Has all instances of Dagster share what alembic reads of the revisions of its tables.

    Each new instance, also the one in memory of `build_resources`, is stamped with the newest; alembic loads 90 modules
    twice to find it: 0.06 s of CPU an instance, and 0.3 s where Python may not keep what it compiled.
    """
    read = ScriptDirectory.from_config
    known: dict[str | None, ScriptDirectory] = {}

    def from_config(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in known:
            known[place] = read(config)
        return known[place]

    ScriptDirectory.from_config = staticmethod(from_config)


def remember_databases() -> None:
    """Has a new instance of Dagster begin with copies of empty databases: it costs 0.02 s of CPU, and made by statements 0.2 s.

    One of each kind is made as Dagster makes it. What is there already is opened as ever.
    """
    # Imported here: a process whose tests have nothing to do with Dagster does not pay for it.
    from dagster._core.storage.event_log import SqliteEventLogStorage
    from dagster._core.storage.runs import SqliteRunStorage
    from dagster._core.storage.schedules import SqliteScheduleStorage

    from orchestration.server.empty_run_files import _empty_file

    for storage in (SqliteRunStorage, SqliteScheduleStorage):
        begin = _begun_with(_emptied(storage.from_local), storage.from_local.__func__)
        storage.from_local = classmethod(begin)
    events = SqliteEventLogStorage
    empty_run, make_run = _empty_file(), events._initdb

    @functools.wraps(make_run)
    def begin_run(self: Any, engine: Any, for_index_shard: Any = None) -> None:
        if not for_index_shard:
            put_new(Path(engine.url.database), empty_run)
        make_run(self, engine, for_index_shard)  # which finds nothing to do

    events.__init__ = _begun_with(_emptied(events), events.__init__)
    events._initdb = begin_run


def _emptied(make: Callable[[str], Any]) -> dict[str, bytes]:
    """What a storage of Dagster puts into an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        make(folder)
        return {path.name: path.read_bytes() for path in Path(folder).glob("*.db")}


def _begun_with(empty: Mapping[str, bytes], make: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(make)
    def begin(owner: Any, base_dir: str, *given: Any, **named: Any) -> Any:
        for name, data in empty.items():
            put_new(Path(base_dir, name), data)
        return make(owner, base_dir, *given, **named)

    return begin


def put_new(path: Path, data: bytes) -> None:
    """Puts a file there whole, unless there is one: of several processes, the first does."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.new")
    own.write_bytes(data)
    try:
        link(own, path)
    except FileExistsError:
        pass
    finally:
        unlink(own)  # noqa: PTH108 - `Path.unlink` asks `os`, where tests count it


@contextmanager
def remembered_catalog() -> Iterator[None]:
    """Has a catalog that is not there yet begin as a copy of an empty one: its revisions cost 0.05 s of CPU."""
    from resources.stores.catalog.database import CatalogDatabase
    from resources.stores.catalog.settings import sqlite_config

    prepare = CatalogDatabase.prepare

    @functools.cache
    def empty() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "catalog.sqlite")
            prepare(CatalogDatabase(sqlite_config(path)))
            return path.read_bytes()

    def prepared(self: CatalogDatabase) -> None:
        if not self._is_prepared and self.config.path is not None:
            put_new(self.config.path, empty())
        prepare(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CatalogDatabase, "prepare", prepared)
        yield


def remember_commands() -> None:
    """Has `CliRunner` make the 190 commands of an app from their signatures once, as a process does: 0.16 s of CPU."""
    typer.testing._get_command = functools.cache(typer.testing._get_command)
