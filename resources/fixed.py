"""Resources that are what the project declares: no run config changes a field of theirs.

A field of an ordinary `ConfigurableResource` is a default that the Launchpad may override. Paths, hosts and URLs are
such fields: whoever may launch a run could send it anywhere, with the rights and the credentials of the server.
"""

from __future__ import annotations

from typing import Any

import dagster as dg


class FixedResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # Dagster's own generic default
    """A resource whose fields are settled when the code location loads."""

    def summary(self) -> str:
        """What the UI says about it: its values are no longer listed there as settings."""
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
    settled = given.configured(given.config_schema.default_value, config_schema={})
    return type(given)(
        given.configurable_resource_cls,
        resource_fn=given.resource_fn,
        config_schema=settled.config_schema,
        description=summary,
        nested_resources=given.nested_resources,
        nested_partial_resources=given.nested_partial_resources,
    )
