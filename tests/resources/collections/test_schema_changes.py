"""Changes of metadata schemas: what each makes, and every rule that forbids one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from resources.collections.rules import SCHEMA_RULES
from resources.collections.schema_changes import (
    AddEmbedding,
    AddEnum,
    AddEnumOptions,
    AddGeospatial,
    AddScalar,
    DeleteKey,
    RestoreKey,
    SchemaChangeError,
    changed,
    changes_to,
    with_declared,
)

EMPTY = MetadataSchema("labels")
SCHEMA = MetadataSchema(
    "labels",
    {
        key.name: key
        for key in (
            MetadataKey("lux", "number"),
            MetadataKey("weather", "enum", ("fog", "rain")),
            MetadataKey("full", "enum", tuple(f"{n:03d}" for n in range(256))),
            MetadataKey("vec", "embedding", size=3),
            MetadataKey("soft", "number", state="deleted"),
            MetadataKey("hard", "number", state="hard_deleted"),
        )
    },
)
MANY = tuple(f"o{n}" for n in range(257))

REFUSED = [
    ("schema_key_invalid", AddScalar("$x", "number")),
    ("schema_key_invalid", AddScalar("keyframes", "number")),
    ("schema_key_invalid", AddEnum("", ("a",))),
    ("schema_key_invalid", AddGeospatial("- ._")),
    ("schema_key_invalid", AddEmbedding("a/b", 3)),
    ("schema_key_invalid", AddScalar('a"b', "number")),
    ("schema_key_invalid", AddScalar("a" * 301, "number")),
    ("schema_key_exists", AddScalar("weather", "varchar")),
    ("schema_key_exists", AddEnum("lux", ("a",))),
    ("schema_key_exists", AddEnum("weather", ("a",))),
    ("schema_key_exists", AddEmbedding("vec", 3)),
    ("schema_key_exists", AddGeospatial("lux")),
    ("schema_key_missing", AddEnumOptions("none", ("a",))),
    ("schema_key_missing", DeleteKey("none")),
    ("schema_key_missing", RestoreKey("none")),
    ("schema_key_deleted", AddScalar("soft", "number")),
    ("schema_key_deleted", AddEnumOptions("soft", ("a",))),
    ("schema_key_deleted", DeleteKey("soft")),
    ("schema_key_hard_deleted", AddGeospatial("hard")),
    ("schema_key_hard_deleted", DeleteKey("hard", hard=True)),
    ("schema_key_hard_deleted", RestoreKey("hard")),
    ("schema_key_not_deleted", RestoreKey("lux")),
    ("schema_type_unknown", AddScalar("new", "float")),
    ("schema_type_unknown", AddScalar("new", "enum")),
    ("schema_not_enum", AddEnumOptions("lux", ("a",))),
    ("enum_empty", AddEnum("new", ())),
    ("enum_empty", AddEnumOptions("weather", ())),
    ("enum_too_many", AddEnum("new", MANY)),
    ("enum_too_many", AddEnum("new", ("a\0",))),
    ("enum_too_many", AddEnum("new", ("a" * 8193,))),
    ("enum_too_many", AddEnumOptions("full", ("one more",))),
    ("enum_duplicate", AddEnum("new", ("a", "b", "a"))),
    ("enum_duplicate", AddEnumOptions("weather", ("fog",))),
    ("embedding_size_range", AddEmbedding("new", 0)),
    ("embedding_size_range", AddEmbedding("new", 4097)),
]


@pytest.mark.parametrize(("rule", "change"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_rule_forbids_it(rule, change):
    with pytest.raises(SchemaChangeError) as caught:
        changed(SCHEMA, change)
    assert caught.value.facts["rule"] == rule
    assert caught.value.message.startswith("metadata key ")


def test_every_rule_of_schemas_has_a_case():
    assert {rule for rule, _ in REFUSED} == set(SCHEMA_RULES)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (AddScalar("video.site", "string"), MetadataKey("video.site", "varchar")),
        (AddScalar("Ä 1-_.", "long_string"), MetadataKey("Ä 1-_.", "text")),
        (AddScalar("lux", "uuid"), MetadataKey("lux", "uuid")),
        (AddEnum("e", ("b", "a")), MetadataKey("e", "enum", ("a", "b"))),
        (
            AddEnumOptions("weather", ("ice",)),
            MetadataKey("weather", "enum", ("fog", "ice", "rain")),
        ),
        (AddEmbedding("e", 4096), MetadataKey("e", "embedding", size=4096)),
        (AddGeospatial("place"), MetadataKey("place", "geospatial")),
        (DeleteKey("vec"), MetadataKey("vec", "embedding", size=3, state="deleted")),
        (DeleteKey("soft", hard=True), MetadataKey("soft", "number", state="hard_deleted")),
        (RestoreKey("soft"), MetadataKey("soft", "number")),
    ],
)
def test_a_change_makes_a_key(change, key):
    after = changed(SCHEMA, change)
    assert after.keys == {**SCHEMA.keys, key.name: key}
    assert after.name == "labels"


KEYS = st.dictionaries(
    st.sampled_from(["a", "b.c", "d"]),
    st.one_of(
        st.sampled_from(["number", "text", "boolean"]).map(lambda kind: (kind, (), 0)),
        st.integers(1, 9).map(lambda size: ("embedding", (), size)),
        st.just(("geospatial", (), 0)),
        st.sets(st.sampled_from("xyz"), min_size=1).map(lambda o: ("enum", tuple(sorted(o)), 0)),
    ),
)


def _keys(given):
    return [MetadataKey(name, kind, options, size) for name, (kind, options, size) in given.items()]


@given(first=KEYS, second=KEYS)
def test_what_is_declared_holds_or_a_rule_says_why_not(first, second):
    schema = EMPTY
    for declared in (_keys(first), _keys(second)):
        try:
            schema = with_declared(schema, declared)
        except SchemaChangeError:
            keys = schema.keys
            old = [replace(keys[k.name], declared=False) for k in declared if k.name in keys]
            assert any(key not in declared for key in old)  # one that cannot become the other
            return
        active = {name: key for name, key in schema.keys.items() if key.state == "active"}
        assert active == {key.name: replace(key, declared=True) for key in declared}
        assert list(changes_to(schema, declared)) == []
