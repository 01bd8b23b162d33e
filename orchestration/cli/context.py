"""What a command works on: the code location and Dagster's instance, opened when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.services.location import Location


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
        from orchestration.services.home import open_home
        from orchestration.services.location import Location

        open_home()
        return self.given_location or Location.load()

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance in the home folder, the one that `waybill up` shows."""
        import dagster as dg

        from orchestration.services.home import open_home

        open_home()
        return self.given_instance or dg.DagsterInstance.get()
