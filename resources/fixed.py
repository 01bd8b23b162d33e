"""Resources that are what the project declares: no run config changes a field of theirs.

A field of an ordinary `ConfigurableResource` is a default that the Launchpad may override. Paths, hosts and URLs are
such fields: whoever may launch a run could send it anywhere, with the rights and the credentials of the server.

Dagster's public way to close a configuration, `configured`, also hides it from the list of resources; so two schema
classes that are not public are used here. Tests pin both sides (`test_launch_config.py`, the snapshot's variables).
"""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster._core.definitions.definition_config_schema import (
    ConfiguredDefinitionConfigSchema,
    DefinitionConfigSchema,
)


class FixedResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # Dagster's own generic default
    """A resource whose fields are settled when the code location loads."""

    def summary(self) -> str:
        """What the UI says about it."""
        return (type(self).__doc__ or "").partition("\n")[0]

    def get_resource_definition(self) -> Any:
        """Dagster's definition of it, its configuration filled in and closed."""
        given = super().get_resource_definition()
        kept = vars(given)  # Dagster wants the same object at each call: ours is kept with its own
        if _FIXED not in kept:
            kept[_FIXED] = _closed(given, self.summary())
        return kept[_FIXED]


_FIXED = "_waybill_fixed"


def _closed(given: Any, summary: str) -> Any:
    return type(given)(
        given.configurable_resource_cls,
        resource_fn=given.resource_fn,
        config_schema=_ClosedSchema(given),
        description=summary,
        nested_resources=given.nested_resources,
        nested_partial_resources=given.nested_partial_resources,
    )


class _ClosedSchema(ConfiguredDefinitionConfigSchema):
    """Takes nothing at launch, and shows in the UI what is settled: values, and names of environment variables."""

    def __init__(self, given: Any) -> None:
        nothing = DefinitionConfigSchema(dg.Field({}, is_required=False))
        self._settled: DefinitionConfigSchema = given.config_schema
        settled = self._settled
        super().__init__(given, nothing, settled.default_value if settled.default_provided else {})

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
