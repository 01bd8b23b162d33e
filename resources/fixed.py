"""Resources that are what the project declares: no run config changes a field of theirs.

A field of an ordinary `ConfigurableResource` is a default that the Launchpad may override. Paths, hosts and URLs are
such fields: any user who may launch a run could point it anywhere, with the server's rights and credentials.

Dagster's public way to close a configuration, `configured`, also hides it from the list of resources; so two schema
classes that are not public are used here. Tests pin both sides (`tests/orchestration/test_launch_config.py`, the snapshot's variables).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
from dagster._config.evaluate_value_result import EvaluateValueResult
from dagster._core.definitions.definition_config_schema import (
    ConfiguredDefinitionConfigSchema,
    DefinitionConfigSchema,
)

from resources.kernel.errors import ConfigError


class FixedResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # Dagster's own generic default
    """A resource whose fields are settled when the code location loads."""

    def summary(self) -> str:
        """What the UI says about it."""
        return (type(self).__doc__ or "").partition("\n")[0]

    def title(self) -> str:
        """What errors call it."""
        return type(self).__name__

    def environment_names(self) -> Mapping[str, str]:
        """The environment variables that it takes its values from: field, variable."""
        return {
            field: value.env_var_name
            for field, value in vars(self).items()
            if isinstance(value, dg.EnvVar)
        }

    def check_variables(self) -> None:
        """Nothing, where all of them are set.

        Raises:
            ConfigError: one is not; Dagster's own text names neither the connector nor what to do.
        """
        missing = {f: v for f, v in self.environment_names().items() if v not in os.environ}
        if missing:
            named = " and ".join(f"{variable} (its {field})" for field, variable in missing.items())
            raise ConfigError(
                f"{self.title()} needs the environment variable {named}, which is not set",
                hint="Set it where this command and the server run; a running server sees it after a restart",
                variables=sorted(missing.values()),
            )

    def get_resource_definition(self) -> Any:
        """Dagster's definition of it, its configuration filled in and closed."""
        given = super().get_resource_definition()
        kept = vars(given)  # Dagster wants the same object at each call: ours is kept with its own
        if _FIXED not in kept:
            kept[_FIXED] = _closed(given, self.summary(), self.check_variables)
        return kept[_FIXED]


_FIXED = "_waybill_fixed"


def _closed(given: Any, summary: str, check: Callable[[], None]) -> Any:
    return type(given)(
        given.configurable_resource_cls,
        resource_fn=given.resource_fn,
        config_schema=_ClosedSchema(given, check),
        description=summary,
        nested_resources=given.nested_resources,
        nested_partial_resources=given.nested_partial_resources,
    )


class _ClosedSchema(ConfiguredDefinitionConfigSchema):
    """Takes nothing at launch, and shows in the UI what is settled: values, and names of environment variables."""

    def __init__(self, given: Any, check: Callable[[], None]) -> None:
        self._check = check
        nothing = DefinitionConfigSchema(dg.Field({}, is_required=False))
        self._settled: DefinitionConfigSchema = given.config_schema
        settled = self._settled
        super().__init__(given, nothing, settled.default_value if settled.default_provided else {})

    def resolve_config(self, processed_config: Mapping[str, object]) -> EvaluateValueResult:  # type: ignore[type-arg]
        """The settled values, secrets read from the environment.

        Raises:
            ConfigError: a variable is not set.
        """
        self._check()
        return super().resolve_config(processed_config)

    @property
    def default_provided(self) -> bool:
        """Whether anything is settled."""
        return self._settled.default_provided

    @property
    def default_value(self) -> Any:
        """What may be given at launch: nothing."""
        return {}

    @property
    def default_value_as_json_str(self) -> str:
        """The settled values, for the list of resources."""
        return self._settled.default_value_as_json_str
