"""Values as YAML that the loader reads as the same values: texts stay texts whatever they look like, nothing is a tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from resources.kernel.errors import InputError

_WIDTH = 1_000_000
"""No line is folded: a value is on one line or as its own lines are."""
_LONG = 90


class _Dumper(yaml.SafeDumper):
    """Writes lists below their key indented, long texts as they are, and never an anchor."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the name and kind that PyYAML looks for
        first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
        for first, entries in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def represent(self, data: Any) -> None:
        """The outermost collection is in block style."""
        node = self.represent_data(data)
        if isinstance(node, yaml.CollectionNode) and node.value:
            node.flow_style = False
        self.serialize(node)

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        """Lists as others, those that are long for one line an item a line."""
        return _unfolded(super().represent_sequence(tag, sequence, flow_style))

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        """Mappings likewise."""
        return _unfolded(super().represent_mapping(tag, mapping, flow_style))

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _unfolded(node: yaml.CollectionNode) -> yaml.CollectionNode:
    if node.flow_style and sum(map(_length, node.value)) > _LONG:
        node.flow_style = False
    return node


def _length(child: Any) -> int:
    """How many characters a scalar takes, or a key and its value; what is deeper is in block style anyway."""
    nodes = child if isinstance(child, tuple) else (child,)
    return sum(len(n.value) + 2 for n in nodes if isinstance(n, yaml.ScalarNode))


class _Inline(_Dumper):
    """Writes everything on one line."""

    def represent(self, data: Any) -> None:
        """All collections in flow style."""
        node = self.represent_data(data)
        _fold(node)
        self.serialize(node)


def _fold(node: yaml.Node) -> None:
    if isinstance(node, yaml.CollectionNode):
        node.flow_style = True
        for child in node.value:
            for inner in child if isinstance(child, tuple) else (child,):
                _fold(inner)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if value.isprintable() else '"'
    if "\n" in value and _is_plain_block(value):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _short_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
_Inline.add_representer(str, _short_text)


def _is_plain_block(value: str) -> bool:
    """Whether a literal block shows the text as it is, without hints and escapes."""
    lines = value.split("\n")
    return (
        value[0] not in " \t\n"
        and not value.endswith("\n\n")
        and all(line.isprintable() and line == line.rstrip() for line in lines)
    )


def to_yaml(value: Any) -> str:
    """A value as YAML, ended by a line end; small collections on one line.

    Raises:
        InputError: something in it is no plain value, or a text that no file can hold.
    """
    return _dump(value, _Dumper, default_flow_style=None)


def to_inline(value: Any, *, quote: str = "") -> str:
    """A value on one line.

    Args:
        value: any plain value.
        quote: the quotes of the text that it takes the place of, kept where they can hold it.

    Raises:
        InputError: as `to_yaml`.
    """
    if quote in ("'", '"') and isinstance(value, str) and value.isprintable():
        return _dump(value, _Inline, default_style=quote).strip()
    return _dump([value], _Inline).strip()[1:-1].strip()


def _dump(value: Any, dumper: type[_Dumper], **options: Any) -> str:
    try:
        text: str = yaml.dump(
            plain(value),
            Dumper=dumper,
            sort_keys=False,
            allow_unicode=True,
            width=_WIDTH,
            **options,
        )
        text.encode()
    except (yaml.YAMLError, UnicodeEncodeError, RecursionError) as error:
        raise InputError("a value cannot be written as YAML", hint="Give plain text") from error
    return text.removesuffix("...\n")


def plain(value: Any) -> Any:
    """The same of plain dicts and lists.

    Raises:
        InputError: something else is in it.
    """
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, Mapping):
        return {plain(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(inner) for inner in value]
    raise InputError(f"a value of kind {type(value).__name__} cannot stand in YAML")


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same in YAML: `1`, `1.0` and `true` are three."""
    if isinstance(one, dict) and isinstance(other, dict):
        return set(one) == set(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))  # noqa: PLR0124 - nan
