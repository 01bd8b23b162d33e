"""`query.transform`: a query as the YAML of a transform that makes a dataset of its result."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO

from orchestration.location import Location
from resources.kernel.errors import InputError
from resources.kernel.keys import TABLE_NOUNS, check_name

COMPONENT = "assets.SqlTransform"


@dataclass(frozen=True)
class TransformText:
    """A transform that is not declared yet."""

    name: str
    yaml: str
    """To be written to a `defs.yaml`."""
    reads: tuple[str, ...]
    """The datasets that it is made from."""


def transform_text(location: Location, sql: str, name: str) -> TransformText:
    """The YAML of a transform with this statement.

    Raises:
        ConfigError: it cannot be called so.
        InputError: it is not one SELECT over datasets, or a dataset is called so already.
    """
    from orchestration.services.queries.session import read_query

    check_name("transform", name)
    statement = read_query(sql, location)
    if "{{" in statement.sql:
        raise InputError(
            "the query holds {{, which a definition may take for a template",
            hint="Write the text in two parts: '{' || '{'",
        )
    if name in location.made(*TABLE_NOUNS):
        raise InputError(
            f"there is a dataset {name!r} already", hint="Give the transform a name of its own"
        )
    return TransformText(name, _yaml(name, statement.sql), statement.inputs)


def _yaml(name: str, sql: str) -> str:
    """The statement as a block of its own lines, where YAML can keep it so."""
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import LiteralScalarString

    lines = "\n".join(line.rstrip() for line in sql.splitlines())
    is_plain = all(char.isprintable() or char == "\n" for char in lines)
    text = LiteralScalarString(f"{lines}\n") if is_plain and lines == sql else sql
    writer = YAML()
    writer.width = 1 << 20
    writer.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    writer.dump({"type": COMPONENT, "attributes": {"name": name, "sql": text}}, out)
    return out.getvalue()
