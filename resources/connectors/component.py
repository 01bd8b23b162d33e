"""What every connector has in YAML. Thin: fields in, one resource out. Each system's own face is `<system>/component.py`."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Self

import dagster as dg
from pydantic import BaseModel, ConfigDict

from resources.connectors.resource import ConnectorResource, Holds
from resources.declared import DeclaredComponent
from resources.kernel.errors import ConfigError
from resources.kernel.keys import SHARED_RESOURCES
from resources.kernel.records import WriteMode
from resources.references import position

# Taken as written, templates unrendered: `{{ env.X }}` would put the value into the repository's snapshot.
# What stands there is judged in `build_defs`, where an error can name the place without printing the value.
Secret = Annotated[
    Any,
    dg.Resolver(lambda _context, value: value, model_field_type=Any, inject_before_resolve=False),
]


_NAMED_FIELD = re.compile(r"`(\w+):")
"""How errors of connectors name the field that they are about."""


class ConnectorComponent(DeclaredComponent):
    """What every connector's component has: a name, and a resource under that name."""

    noun: ClassVar[str] = "connector"
    shown_first: ClassVar[tuple[str, ...]] = ("description",)

    description: str = ""
    """What it leads to, for people."""

    @classmethod
    def get_model_cls(cls) -> type[BaseModel] | None:
        """The schema of the YAML, unknown fields taken.

        Refusing them is left to `load`: the schema's own refusal would print the value, which may be a secret
        under a misspelt name (T27). For the same reason no error of it repeats what was given.
        """
        strict = super().get_model_cls()
        return strict and type(
            strict.__name__,
            (strict,),
            {
                "model_config": ConfigDict(extra="allow", hide_input_in_errors=True),
                "__module__": strict.__module__,
            },
        )

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """The component from its YAML.

        Raises:
            ConfigError: unknown fields, by name and place.
        """
        unknown = sorted((attributes and attributes.model_extra) or {})
        if attributes is not None and unknown:
            known = ", ".join(type(attributes).model_fields)
            raise ConfigError(
                f"{position(context, unknown[0])}: unknown field {', '.join(map(repr, unknown))}",
                hint=f"Known: {known}",
            )
        return super().load(attributes, context)

    @property
    def holds(self) -> Holds:
        """Whether data sources on this connector name paths or tables."""
        return "files"

    def refusal(self, mode: WriteMode) -> str:  # noqa: ARG002 - databases look at it
        """Why no exporter can write there in this mode; empty when one can."""
        return ""

    def refused_table(self, table: str) -> str:  # noqa: ARG002 - databases look at it
        """Why no exporter can write a table of this name there; empty when one can."""
        return ""

    @property
    def can_truncate(self) -> bool:
        """Whether an exporter may ask that old rows are truncated there, in the transaction of the new ones."""
        return False

    @property
    def kind(self) -> str:
        """The icon in the UI."""
        raise NotImplementedError

    def resource(self, where: str) -> ConnectorResource:
        """The Dagster resource; `where` is the place in YAML for error texts."""
        raise NotImplementedError

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One resource whose key is the connector's name."""
        where = position(context, "name")
        self.check_declared(context)
        if self.name in SHARED_RESOURCES:
            raise ConfigError(
                f"{where}: {self.name!r} is a name that the project itself uses",
                hint=f"Call the connector otherwise; reserved are {', '.join(SHARED_RESOURCES)}",
            )
        return dg.Definitions(resources={self.name: self._placed_resource(context, where)})

    def _placed_resource(self, context: dg.ComponentLoadContext, where: str) -> ConnectorResource:
        """The resource; an error that names its attribute points at that attribute's line.

        A connector of files checks its fields when it is made, without connecting: so one is made and thrown away. Of
        its secrets it sees whether there are any.
        """
        try:
            resource = self.resource(where)
        except ConfigError as error:
            if "attribute" not in error.facts:
                raise
            raise ConfigError(
                f"{position(context, str(error.facts['attribute']))}: connector {self.name!r}: {error.message}",
                hint=error.hint,
            ) from error
        if self.holds == "files":
            try:
                resource.connect()
            except ConfigError as error:
                named = _NAMED_FIELD.search(error.message)
                place = position(context, named[1] if named else "name")
                raise ConfigError(f"{place}: {error.message}", hint=error.hint) from error
        return resource


def secret_value(given: object, field: str, where: str) -> str:
    """The `EnvVar` that `{env: NAME}` asks for; an empty text when nothing is given.

    Raises:
        ConfigError: a literal or a template. The value given is not repeated.
    """
    if given is None:
        return ""
    if isinstance(given, dict) and set(given) == {"env"} and isinstance(given["env"], str):
        name = given["env"]
        if name.replace("_", "").isalnum() and not name[0].isdigit():
            return dg.EnvVar(name)
    raise ConfigError(
        f"{where}: {field} must name an environment variable; a literal or a template is refused",
        hint=f"Write `{field}: {{env: NAME_OF_THE_VARIABLE}}` and set that variable where Waybill runs",
        field=field,
    )
