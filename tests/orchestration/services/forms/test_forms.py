"""Forms made of component types, and what their texts mean: what is typed is data, secrets are names, mistakes name fields."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field as Declared

from assets import Dataset
from orchestration.services.definition_files.documents import DefinitionFile
from orchestration.services.definition_files.emit import same
from orchestration.services.definition_files.found import FoundDefinition
from orchestration.services.definition_files.source import YamlText
from orchestration.services.forms.answers import merged, parse_form
from orchestration.services.forms.build import edit_form, new_form
from orchestration.services.forms.model import Field, Kind
from orchestration.services.forms.texts import read_text, show_value
from orchestration.services.forms.types import choices_of, choose, known_kinds
from resources.component_schema import parse_example
from resources.kernel.errors import InputError, UnknownNameError

NOUNS = [
    "connector", "datasource", "dataset", "transform", "model", "prediction", "embedding", "exporter",
    "classification set", "pipeline",
]  # fmt: skip
NAMES = {"connector": ["lake"], "datasource": ["orders_files"], "dataset": ["orders"]}
OWN = {"assets", "orchestration", "resources"}
"""Where our types are; tests declare others in this process."""


class AuditedDataset(Dataset):
    """A dataset whose imports are announced."""

    team: str
    """Who hears of it."""
    weight: Annotated[int, Declared(ge=1)] = 1
    """How much it counts."""


def form_of(word, noun="connector"):
    return new_form(choose(noun, word), NAMES)


def edited(type_name, yaml):
    lines = "".join(f"  {line}\n" for line in yaml.splitlines())
    file = DefinitionFile(None, YamlText(f"type: {type_name}\nattributes:\n{lines}"))
    return edit_form(FoundDefinition(file, 0, ""), type_name, NAMES)


@pytest.mark.parametrize("noun", NOUNS)
def test_every_attribute_of_every_type_has_a_field_with_help_and_the_examples_pass_through(noun):
    for choice in choices_of(noun):
        kind = known_kinds()[choice.type]
        if kind.__module__.partition(".")[0] not in OWN:
            continue
        form = new_form(choice, NAMES)
        assert form.noun == noun
        assert all(field.help and field.label for field in form.fields)
        assert form.fields[0].name == "name"
        for example in kind.examples:
            attributes = parse_example(example)
            if kind.decides and attributes[kind.decides] != choice.variant:
                continue
            shown = edited(choice.type, example)
            texts = {field.name: field.value for field in shown.fields}
            # As it is shown it changes nothing; given anew it means what the example says.
            assert parse_form(shown, texts).values == {}
            given = parse_form(form, {**texts, "name": attributes["name"]})
            assert given.errors == {}
            made = merged({}, given.values, ())
            if kind.decides:
                made[kind.decides] = choice.variant
            assert _like(made, attributes)


def _like(made, attributes):
    """The same, but for one text where a list of one is meant, and SQL without its last line end."""
    for name, value in attributes.items():
        found = made[name]
        if isinstance(value, str) and isinstance(found, list):
            found = found[0]
        wanted = value.rstrip("\n") if isinstance(value, str) else value
        assert same(found, wanted), name
    return set(made) == set(attributes)


def test_kinds_of_fields_follow_the_schema():
    postgresql, datasource, pipeline = (
        form_of("postgresql"), form_of("", "datasource"), form_of("", "pipeline")
    )  # fmt: skip
    kinds = {field.name: field.kind for field in postgresql.fields}
    assert kinds["password"] is Kind.SECRET
    assert kinds["port"] is Kind.INTEGER
    assert kinds["options"] is Kind.YAML
    assert "account" not in kinds  # Snowflake's
    assert postgresql.field("host").is_required
    assert not postgresql.field("read_connections").is_main
    assert datasource.field("connector").choices == ("lake",)
    assert datasource.field("query").kind is Kind.SQL
    assert datasource.field("observe").kind is Kind.CRON
    assert pipeline.field("schedule.cron").kind is Kind.CRON
    assert pipeline.field("on_new_objects.connector").noun == "connector"
    assert form_of("", "exporter").field("mode").choices == ("overwrite", "timestamp", "append", "safe")  # fmt: skip
    assert form_of("", "dataset").field("refresh").kind is Kind.REFRESH


def test_a_type_of_the_users_own_has_a_form_in_the_same_way():
    name = f"{AuditedDataset.__module__}.AuditedDataset"
    form = form_of(name, "dataset")
    assert form.field("team").is_required
    assert form.field("team").help == "Who hears of it."
    assert form.field("weight").kind is Kind.INTEGER
    assert form.field("datasource").choices == ("orders_files",)
    assert choose("dataset", "").type == "assets.Dataset"


def test_an_unknown_type_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="postgresql"):
        choose("connector", "postgres")


def test_a_group_needs_its_fields_only_when_something_of_it_is_given():
    form = form_of("", "pipeline")
    empty = parse_form(form, {"name": "p", "assets": "datasets/orders"})
    assert empty.errors == {}
    partly = parse_form(form, {"name": "p", "schedule.timezone": "UTC"})
    assert partly.errors == {"schedule.cron": "this is needed"}
    whole = parse_form(form, {"name": "p", "schedule.cron": "0 3 * * *"})
    assert merged({}, whole.values, ())["schedule"] == {"cron": "0 3 * * *"}


WRONG = {
    "host": ["a\nb", "{{ env.HOME }}", "x {{ env('A', 'b') }} y", "{% raw %}", "{# x #}", "\ud800"],
    "port": ["", "x", "1.5", "0x10", "{{ env.PORT }}"],
    "password": ["hunter2", "{{ env.SHOP }}", "{env: hunter2}", "A B", "NAME\nNAME", "!!x", "é"],
    "options": ["a: 1\n---\nb: 2", "!!python/object:os.system x", "a: [", "a: &x b\nc: !x d",
                "- {{ env.HOME }}", "a: {{ env.HOME }}", "'{{ env.HOME }}': 1"],
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_stand_in_a_field_is_refused_without_being_repeated(name):
    field = form_of("postgresql").field(name)
    for text in filter(None, WRONG[name]):
        with pytest.raises(InputError) as raised:
            read_text(field, text)
        assert "hunter2" not in str(raised.value)
        assert "env.HOME" not in str(raised.value)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_text_stays_a_text_whatever_it_looks_like(text):
    field = Field("x", "X", Kind.LINES)
    if "{{" in text or "{%" in text or "{#" in text:
        return
    assert read_text(field, text) == text.replace("\r\n", "\n").strip()


def test_quoted_numbers_and_words_stay_texts():
    field = form_of("postgresql").field("username")
    for text in ["007", "1e3", "no", "null", "~", "2026-01-01", "---", "*a", "!!int 1", "a: b"]:
        assert read_text(field, text) == text


def test_lists_are_lines_or_yaml_and_show_as_they_are_read():
    field = form_of("", "dataset").field("owners")
    assert read_text(field, "team:a\r\n\r\n b@c.d ") == ["team:a", "b@c.d"]
    assert read_text(field, '["a", "b, c"]') == ["a", "b, c"]
    for value in (["a", "b"], [" a", "b\nc"], []):
        shown = show_value(Kind.TEXTS, value)
        assert (read_text(field, shown) if shown else []) == value


def test_a_secret_shows_its_variable_and_whether_it_is_set_and_nothing_else(monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "canary-1")
    yaml = "name: a\ndialect: postgresql\nhost: h\ndatabase: d\nusername: u\npassword: "
    known = edited("resources.SqlConnector", f"{yaml}{{env: SHOP_PASSWORD}}")
    assert known.field("password").value == "SHOP_PASSWORD"
    assert known.field("password").note == "is set here"
    assert "canary" not in repr(known)
    literal = edited("resources.SqlConnector", f"{yaml}canary-2")
    assert literal.field("password").value == ""
    assert "canary" not in repr(literal)
    assert parse_form(literal, {}).unset == ()  # not shown, not touched


def test_templates_stay_unless_they_are_replaced():
    form = edited("assets.Datasource", "name: a\nconnector: \"{{ env('X', 'lake') }}\"\npath: p")
    field = form.field("connector")
    assert field.is_kept
    shown = {one.name: one.value for one in form.fields}
    assert parse_form(form, shown).values == {}
    assert parse_form(form, {**shown, "connector": "lake"}).values == {"connector": "lake"}
    assert "connector" in parse_form(form, {**shown, "connector": "{{ env.HOME }}"}).errors


def test_an_emptied_field_leaves_its_attribute_out_and_a_needed_one_is_missed():
    form = edited("assets.Datasource", "name: a\nconnector: lake\npath: p\nowners: [a@b.c]")
    given = parse_form(form, {"owners": "", "connector": " "})
    assert "owners" in given.unset
    assert given.errors == {"connector": "this is needed"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("&a [*a]", "levels deep"),
        ("[" * 60 + "]" * 60, "levels deep"),
        ("[" * 5_000 + "]" * 5_000, "no YAML|levels deep"),
        ("a: &a [1,1]\n" + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in ["ab", "bc", "cd", "de", "ef"]), "too many values"),
    ],
    ids=["holds itself", "deep", "without end", "aliases of aliases"],
)  # fmt: skip
def test_yaml_that_has_no_end_is_a_mistake_of_its_field(text, reason):
    with pytest.raises(InputError, match=reason):
        read_text(Field("tags", "Tags", Kind.YAML), text)
