"""What a command works on: the code location and Dagster's instance, opened when first asked for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from orchestration.cli.errors import warn

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.loading.problems import Problem
    from orchestration.services.location import Location

WARNED = 10


@dataclass
class CommandContext:
    """Handed to every command; tests hand in their own code location and instance."""

    given_location: Location | None = None
    given_instance: dg.DagsterInstance | None = None

    @cached_property
    def location(self) -> Location:
        """The project's code location.

        Raises:
            ConfigError: it does not load.
        """
        import dagster as dg

        from orchestration.services.home import open_home
        from orchestration.services.location import load_tolerant

        # Dagster warns of its own use of its own beta parameters: nothing that a user of ours could change.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        open_home()
        if self.given_location is not None:
            return self.given_location
        location, problems = load_tolerant()
        warn_of(problems)
        return location

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance in the home folder, the one that `waybill up` shows.

        Raises:
            ConfigError: its `dagster.yaml` is wrong.
        """
        from orchestration.services.home import open_home
        from orchestration.services.instance import open_instance

        home = open_home()
        return self.given_instance or open_instance(home)


def warn_of(problems: Sequence[Problem | str]) -> None:
    """Says on standard error what was left out of the project."""
    for problem in problems[:WARNED]:
        warn(str(problem))
    if len(problems) > WARNED:
        warn(f"{len(problems) - WARNED} more; `waybill check` lists all")
