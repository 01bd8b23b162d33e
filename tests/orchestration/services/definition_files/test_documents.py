"""Definitions changed in the text of their files: what was meant changes, and not a byte of anything else."""

import difflib
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestration.loading.documents import read_documents
from orchestration.loading.types import component_type, known_types
from orchestration.services.definition_files.documents import DefinitionFile, attribute_at
from orchestration.services.definition_files.emit import same, to_inline, to_yaml
from orchestration.services.definition_files.source import YamlText
from resources.declared import DeclaredComponent
from resources.kernel.errors import ConfigError

ROOT = Path(__file__).resolve().parents[4]
FILES = sorted((ROOT / "orchestration" / "defs").rglob("defs.yaml"))
FILES += sorted((ROOT / "orchestration" / "templates").rglob("defs.yaml"))
FOLDED = """\
# About the file.

# About the first.
type: assets.SqlTransform
attributes: &first
  name: one        # its name
  sql: |-          # what it does
    SELECT 1

    FROM a

  "description": "quoted"
  # why so many
  keep_versions: 14

  checks:   # all of them
    - a: {column: x}    # the first
    # about the second
    - b:
        column: y

        mostly: 0.5
  tags: {domain: sales, 'team': "a"}
  owners: [
    a@b.c,  # who
    team:x
  ]
---
# About the second.
type: assets.Dataset
attributes: {name: two, datasource: files, allow_empty: true}
# behind the second

# about nobody
---
type: assets.Dataset
attributes:
  name: three
  datasource: files
  refresh:
  tags:
    domain: x
"""


def examples():
    texts = {path.parent.name: path.read_text() for path in FILES}
    for name in known_types():
        kind = component_type(name, "")
        if issubclass(kind, DeclaredComponent):
            documents = [
                f"type: {name}\nattributes:\n"
                + "".join(f"  {line}\n" for line in text.splitlines())
                for text in kind.examples
            ]
            texts[name] = "---\n".join(documents)
    return {**texts, "folded": FOLDED}


EXAMPLES = examples()
SHAPES = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    # SQL that ends a file without a line end would get one by what is written behind it: that is refused.
    "no newline at the end": lambda text: text if "sql: |" in text else text.rstrip("\n"),
    "BOM": lambda text: f"\ufeff{text}",
}
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from([
        "no", "1", "0123", "1e3", "~", "null", "2026-01-01", "12:30:00", "!!python/object:os.system x", "---", "...",
        "{{ env.X }}", "*a", "&a b", "# no comment", "a # b", "a: b", "- a", "x\n---\ntype: evil\n", "a\r\nb", "\t", " a ",
        "SELECT 1\nFROM a\n", "SELECT 1\n\n\n", "  lead\nx", "%YAML 1.1", "'", '"', "a'b\"c", "\ufeff", "\x85", "\u2028", "[", "}", "?", "<<",
    ]),
)  # fmt: skip
SCALARS = st.one_of(TEXTS, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(TEXTS.filter(len), inner, max_size=3)
    ),
    max_leaves=6,
)


def file_of(text):
    return DefinitionFile(Path("/defs/defs.yaml"), YamlText.decode(text.encode()))


def lines_of(text):
    return text.split("\n")


def removed(before, after):
    """The lines that went, and those that came."""
    diff = list(difflib.ndiff(lines_of(before), lines_of(after)))
    return (
        [line[2:] for line in diff if line.startswith("- ")],
        [line[2:] for line in diff if line.startswith("+ ")],
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_no_change_leaves_every_byte(name, shape):
    text = SHAPES[shape](EXAMPLES[name])
    file = file_of(text)
    for number, definition in enumerate(file.definitions):
        changed = file.with_changed(number, definition.attributes)
        assert changed.source.encode() == text.encode()


@pytest.mark.parametrize("shape", SHAPES)
@given(data=st.data())
def test_one_change_is_a_change_of_those_lines_only(shape, data):
    text = SHAPES[shape](EXAMPLES[data.draw(st.sampled_from(sorted(EXAMPLES)))])
    file = file_of(text)
    number = data.draw(st.integers(0, len(file.definitions) - 1))
    own = file.definitions[number]
    attribute = data.draw(st.sampled_from([*own.attributes, "added"]))
    value = data.draw(VALUES)
    # A text that ends a line cannot end a file without a line end: refused, see docs/definitions.md.
    assume(text.endswith("\n") or not str(value).endswith("\n"))
    wanted = {**own.attributes, attribute: value}
    changed = file.with_changed(number, wanted)
    # What it says is what was asked for, and of all others what it was.
    for position, (before, after) in enumerate(
        zip(file.definitions, changed.definitions, strict=True)
    ):
        assert same(after.attributes, wanted if position == number else before.attributes)
    # Without the lines of the attribute the two texts are the same.
    assert _without_attribute(file, number, attribute) == _without_attribute(
        changed, number, attribute
    )


def _without_attribute(file, number, attribute):
    """The text without the entry's own, and what stands behind it in its line."""
    source, place = file.source, file.definitions[number].place
    node = place.root.at("attributes")
    entry = next((e for e in node.entries if e.name == attribute), None)
    if entry is None:
        return source.encode().decode().rstrip("\r\n")
    if not node.is_block:
        text = source.text[: entry.key.start].rstrip(", ") + source.text[entry.value.end :]
        return (("\ufeff" if source.has_bom else "") + text).rstrip("\r\n")
    start, end = source.line_start(entry.key.start), source.next_line(entry.value.end)
    text = source.text[:start] + source.text[end:]
    return (("\ufeff" if source.has_bom else "") + text).rstrip("\r\n")


@given(value=VALUES)
def test_whatever_a_value_is_it_is_read_as_it_was_given(value):
    text = to_yaml({"k": value})
    assert same(yaml.load(text, Loader=yaml.CSafeLoader)["k"], value) or "2026" in text
    inline = to_inline(value)
    assert "\n" not in inline
    read = yaml.load(f"k: {{a: {inline}, b: 1}}\n", Loader=yaml.CSafeLoader)["k"]
    assert same(read, {"a": value, "b": 1}) or "2026" in inline


def test_comments_and_quotes_stay_with_what_they_are_about():
    file = file_of(FOLDED)
    own = file.definitions[0].attributes
    wanted = {
        **own,
        "sql": "SELECT 2\nFROM b",
        "description": "it's: new",
        "checks": [own["checks"][0], {"c": {"column": "z"}}, own["checks"][1]],
        "tags": {"team": "b", "stage": "x"},
        "name": "one",
        "refresh": "manual",
    }
    del wanted["keep_versions"]
    order = ["name", "sql", "refresh"]
    after = file.with_changed(0, wanted, order=order).source.text
    gone, came = removed(FOLDED, after)
    assert gone == [
        "    SELECT 1", "    FROM a", "", '  "description": "quoted"', "  # why so many", "  keep_versions: 14",
        "  tags: {domain: sales, 'team': \"a\"}",
    ]  # fmt: skip
    assert came == [
        "    SELECT 2", "    FROM b", "  refresh: manual", '  "description": "it\'s: new"', "    - c: {column: z}",
        "  tags: {'team': \"b\", stage: x}",
    ]  # fmt: skip


def test_a_comment_of_one_line_stays_when_the_value_gets_many_lines_and_back():
    file = file_of("type: a.B\nattributes:\n  name: x\n  sql: SELECT 1  # why\n")
    more = file.with_changed(0, {"name": "x", "sql": "SELECT 1\nFROM a\n"})
    assert (
        more.source.text
        == "type: a.B\nattributes:\n  name: x\n  sql: |  # why\n    SELECT 1\n    FROM a\n"
    )
    back = more.with_changed(0, {"name": "x", "sql": "SELECT 1"})
    assert back.source.text == file.source.text


def test_the_last_line_of_a_file_without_a_line_end_can_be_followed():
    file = file_of("type: a.B\r\nattributes:\r\n  name: x")
    changed = file.with_changed(0, {"name": "x", "root": "y"})
    assert changed.source.text == "type: a.B\r\nattributes:\r\n  name: x\r\n  root: y"


def test_a_definition_without_attributes_gets_some():
    for text in ("type: a.B\n", "type: a.B\nattributes:\n", "{type: a.B}\n"):
        changed = file_of(text).with_changed(0, {"name": "x"})
        assert changed.definitions[0].attributes == {"name": "x"}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_each_definition_can_be_taken_out_and_put_back(name, shape):
    file = file_of(SHAPES[shape](EXAMPLES[name]))
    for number, definition in enumerate(file.definitions):
        without = file.without(number)
        if len(file.definitions) == 1:
            assert without.source.text == ""
            continue
        left = [d.document.value for d in without.definitions]
        assert left == [d.document.value for n, d in enumerate(file.definitions) if n != number]
        text = without.source.text
        assert not [
            line for line in lines_of(text) if line and line not in lines_of(file.source.text)
        ]
        again = without.with_added(definition.document.type, definition.attributes)
        assert again.source.text.startswith(text.rstrip("\r\n"))
        assert again.definitions[-1].attributes == definition.attributes


def test_comments_of_a_definition_go_with_it_and_others_stay():
    file = file_of(FOLDED)
    first = file.without(0).source.text
    assert first.startswith("# About the file.\n\n# About the second.\ntype: assets.Dataset\n")
    second = file.without(1).source.text
    assert "About the second" not in second
    assert "behind the second" not in second
    assert "  ]\n# about nobody\n---\ntype: assets.Dataset\nattributes:\n  name: three" in second


TIED = {
    "an anchor that another definition needs": (
        "type: a.B\nattributes:\n  name: x\n  one: &t {a: b}\n  two: *t\n",
        {"name": "x", "two": {"a": "b"}},
    ),
    "a key of a merge": ("type: a.B\nattributes:\n  <<: {a: b}\n  name: x\n", {"name": "x"}),
}


@pytest.mark.parametrize("case", TIED)
def test_what_is_tied_to_the_rest_is_refused(case):
    text, attributes = TIED[case]
    with pytest.raises(ConfigError, match="by an anchor") as raised:
        file_of(text).with_changed(0, attributes)
    assert "by hand" in raised.value.hint


def test_an_alias_gives_way_to_a_value_of_its_own_and_its_anchor_stays():
    file = file_of("type: a.B\nattributes:\n  name: x\n  one: &t {a: b}\n  two: *t  # the same\n")
    changed = file.with_changed(0, {"name": "x", "one": {"a": "b"}, "two": {"a": "c"}})
    assert "one: &t {a: b}\n  two: {a: c}  # the same\n" in changed.source.text


def test_a_file_that_loading_refuses_is_refused_with_its_line():
    for text in ("type: [\n", "a: 1\na: 2\n", "a: !!python/name:os.system ''\n"):
        with pytest.raises(ConfigError, match=r"/defs/defs.yaml:\d+: "):
            _ = file_of(text).definitions


def test_the_line_of_a_mistake_leads_to_its_attribute():
    file = file_of(FOLDED)
    definition = file.definitions[0]
    at = {
        line: attribute_at(definition, file.source, number + 1)
        for number, line in enumerate(lines_of(FOLDED))
    }
    assert at["    FROM a"] == "sql"
    assert at["        mostly: 0.5"] == "checks"
    assert at["type: assets.SqlTransform"] == ""
    third = file.definitions[2]
    assert attribute_at(third, file.source, FOLDED.count("\n")) == "tags.domain"


def test_an_added_definition_is_read_by_loading(tmp_path):
    path = tmp_path / "defs.yaml"
    file = DefinitionFile(path, YamlText(""))
    added = file.with_added(
        "a.B", {"name": "x", "sql": "SELECT 1\nFROM a\n", "cron": "*/5 * * * *"}
    )
    path.write_bytes(added.source.encode())
    assert path.read_text() == (
        "type: a.B\nattributes:\n  name: x\n  sql: |\n    SELECT 1\n    FROM a\n  cron: '*/5 * * * *'\n"
    )
    (document,) = read_documents(path)
    assert document.value["attributes"]["cron"] == "*/5 * * * *"
