"""What editors, the UI and the reference pages are told of a component's attributes.

A description is the docstring below an attribute, which pydantic finds; examples are the values that the attribute has
in the component's own `examples`. Dagster derives the schema of the YAML from the class and drops both on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def describe(
    model: type[BaseModel], fields: Mapping[str, FieldInfo], examples: Sequence[str]
) -> None:
    """Adds descriptions and examples to a model of YAML attributes, and puts these in order.

    Args:
        model: as Dagster derived it.
        fields: of the component's class in their order, by the names that YAML gives them.
        examples: attributes as YAML, the first one the whole component's.
    """
    for name in fields:
        model.model_fields[name] = model.model_fields.pop(name)
    parsed = [parse_example(text) for text in examples]
    for name, info in model.model_fields.items():
        info.description = " ".join((fields[name].description or "").split()) or None
        info.examples = _distinct(given[name] for given in parsed if name in given) or None
    extra = model.model_config.get("json_schema_extra")
    model.model_config["json_schema_extra"] = {
        **(extra if isinstance(extra, dict) else {}),
        "ui:order": list(fields),
        **({"examples": [parsed[0]]} if parsed else {}),
    }
    model.model_rebuild(force=True)


def parse_example(text: str) -> dict[str, Any]:
    """The attributes of an example; a date stays text, as everywhere in Dagster."""
    found: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    return found


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 - the name and kind that PyYAML looks for
        first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
        for first, entries in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _distinct(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
