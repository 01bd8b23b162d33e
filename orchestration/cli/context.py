"""What a command works on: the code location and Dagster's instance, opened when first asked for."""

from __future__ import annotations

import warnings
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
        import dagster as dg

        from orchestration.services.home import open_home
        from orchestration.services.location import Location

        # Dagster warns of its own use of its own beta parameters: nothing that a user of ours could change.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        open_home()
        return self.given_location or Location.load()

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
