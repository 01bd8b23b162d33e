"""The reference of the component types, a page each in `docs/reference/`: `python -m orchestration.reference` writes it.

Everything on a page comes from the type itself: its docstring, the docstrings of its attributes, its examples.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from textwrap import indent
from types import UnionType
from typing import Any, Union, get_args, get_origin

from orchestration.loading.types import component_type, known_types
from resources.component_schema import parse_example
from resources.declared import DeclaredComponent

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
UNSET = "__DAGSTER_UNSET_DEFAULT__"
"""What Dagster writes in a schema for a default that JSON cannot hold, such as an empty list."""

_NOTE = "<!-- Written by `./run reference`; change the docstrings in the code instead. -->"
_EDITORS = """\
`dg scaffold defs TYPE PATH` writes the first example of a page into `defs/PATH/defs.yaml`, with what it needs. `dg utils
generate-component-schema` writes a schema that editors complete and check YAML by; the UI shows the same under *Components*.
Types of your own: [extending.md](../extending.md)."""


def reference_pages() -> dict[str, str]:
    """The pages by file name."""
    types = {name: component_type(name, "") for name in known_types()}
    known = {name: kind for name, kind in types.items() if issubclass(kind, DeclaredComponent)}
    pages = {_file(name): _page(name, kind) for name, kind in known.items()}
    return {"README.md": _index(known), **pages}


def write_reference(folder: Path = FOLDER) -> None:
    """Writes the pages, and removes those of types that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = reference_pages()
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def _file(type_name: str) -> str:
    return f"{type_name}.md"


def _index(types: Mapping[str, type[DeclaredComponent]]) -> str:
    rows = [f"| [{name}]({_file(name)}) | {_summary(kind)} |" for name, kind in types.items()]
    return "\n".join(
        [_NOTE, "", "# Component types", "", _EDITORS, "", "| type | is |", "|---|---|", *rows, ""]
    )


def _summary(kind: type[DeclaredComponent]) -> str:
    return " ".join((kind.__doc__ or "").partition("\n\n")[0].split())


def _page(name: str, kind: type[DeclaredComponent]) -> str:
    model = kind.get_model_cls()
    schema: dict[str, Any] = model.model_json_schema() if model else {}
    parts = [_NOTE, "", f"# {name}", "", _summary(kind), ""]
    parts += ["```yaml", _document(name, kind.examples[0]), "```", ""]
    parts += ["## Attributes", "", *_table(schema, schema, _texts(kind))]
    for title, part in schema.get("$defs", {}).items():
        parts += ["", f"## {_part_name(schema, title)}", "", *_table(schema, part)]
    if kind.examples[1:]:
        documents = "\n---\n".join(_document(name, text) for text in kind.examples[1:])
        parts += ["", "## More examples", "", "```yaml", documents, "```"]
    return "\n".join([*parts, ""])


def _document(name: str, example: str) -> str:
    parse_example(example)  # a page shows nothing that is no YAML
    return f"type: {name}\nattributes:\n{indent(example, '  ')}".rstrip()


def _texts(kind: type[DeclaredComponent]) -> set[str]:
    """Attributes that take a text among other things."""
    unions = {
        name: get_args(info.annotation)
        for name, info in kind.model_fields.items()
        if get_origin(info.annotation) in (Union, UnionType)
    }
    return {name for name, kinds in unions.items() if str in kinds}


def _table(
    schema: Mapping[str, Any], part: Mapping[str, Any], texts: Collection[str] = ()
) -> Iterator[str]:
    yield "| attribute | takes | when left out | |"
    yield "|---|---|---|---|"
    required = part.get("required", ())
    for name, said in part["properties"].items():
        default = "**required**" if name in required else _default(said.get("default"))
        text = said.get("description", "").replace("|", "\\|")
        yield f"| `{name}` | {_takes(said, schema, is_text=name in texts)} | {default} | {text} |"


def _default(value: object) -> str:
    if value in (None, UNSET, ""):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _takes(said: Mapping[str, Any], schema: Mapping[str, Any], *, is_text: bool) -> str:
    """The kind of value, in words; the text that any attribute takes as a template is left out."""
    first, *others = dict.fromkeys(_kinds(said, schema))
    if first == _ANYTHING and said.get("examples"):  # it has a parser of its own
        first = _WORDS.get(_EXAMPLES.get(type(said["examples"][0]), ""), _ANYTHING)
    kinds = [first, *(kind for kind in others if is_text or kind != "text")]
    return " or ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))


def _kinds(said: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for one in said.get("anyOf", ()):
        yield from _kinds(one, schema)
    if "$ref" in said:
        name = _part_name(schema, said["$ref"].rpartition("/")[2])
        yield f"[{name}](#{name.lower().replace(' ', '-')})"
    elif "enum" in said or "const" in said:
        yield from (f"`{value}`" for value in said.get("enum", [said.get("const")]))
    elif said.get("type") == "array":
        yield f"list of {' or '.join(dict.fromkeys(_kinds(said.get('items', {}), schema)))}"
    elif "anyOf" not in said and said.get("type") != "null":
        yield _WORDS.get(str(said.get("type")), _ANYTHING)


def _part_name(schema: Mapping[str, Any], title: str) -> str:
    return str(schema["$defs"][title].get("title", title))


_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "object": "mapping",
}

_ANYTHING = "anything"
_EXAMPLES = {str: "string", int: "integer", dict: "object"}

if __name__ == "__main__":
    write_reference(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
