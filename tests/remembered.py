"""What libraries work out anew each time and what is the same each time, in a process of tests: kept from the first time on.

A process of Waybill needs each of it once; one of the tests needs it hundreds of times.
"""

from __future__ import annotations

import functools

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


def remember_commands() -> None:
    """Has `CliRunner` make the 190 commands of an app from their signatures once, as a process does: 0.16 s of CPU."""
    typer.testing._get_command = functools.cache(typer.testing._get_command)
