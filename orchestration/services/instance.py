"""Dagster's instance of a home folder, opened with an error that a person can act on."""

from __future__ import annotations

import dagster as dg

from orchestration.reasons import raised_on_purpose, reason_of
from orchestration.services.home import Home
from resources.kernel.errors import ConfigError


def open_instance(home: Home) -> dg.DagsterInstance:
    """The instance that `dagster.yaml` in the home's Dagster folder describes.

    Raises:
        ConfigError: Dagster refuses the file, or cannot open what it names.
    """
    try:
        return dg.DagsterInstance.get()
    except (
        Exception
    ) as error:  # storage plugins and their drivers are loaded here and may raise anything
        source = home.dagster / "dagster.yaml"
        raise raised_on_purpose(error) or ConfigError(
            f"Dagster's instance cannot be opened with {source}: {reason_of(error)}",
            hint="Correct the file, or move it away: the next command writes one that works",
            file=str(source),
        ) from error
