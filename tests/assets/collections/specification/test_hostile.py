"""Files made to harm: each ends soon with a rule, or is taken as what it is."""

import json

import pytest

from tests.assets.collections.specification.files import drafts, found, read

A = b'"objectUrl": "s3://b/a"'
ITEM = b'{"images": [{%b, "clientMetadata": {"x": %%b}}]}' % A
META = "/images/0/clientMetadata"


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (99, []),
        (100, [(f"{META}/x", "client_metadata_too_large")]),
        (400, [(f"{META}/x", "client_metadata_too_large")]),
        (600, [("", "json_syntax")]),
        (1_000_000, [("", "json_syntax")]),
    ],
)
@pytest.mark.parametrize("around", [(b"[", b"]"), (b'{"a":', b"}")], ids=["array", "object"])
def test_deep_nesting(tmp_path, depth, expected, around):
    opening, closing = around
    content = ITEM % (opening * depth + b"1" + closing * depth)
    assert found(read(tmp_path, content)) == expected


@pytest.mark.parametrize("start", [b"[", b'{"a":', b'{"images":[', b'{"x":['])
def test_nesting_that_never_ends(tmp_path, start):
    assert found(read(tmp_path, start * 200_000)) == [("", "json_syntax")]


def test_a_million_members_of_an_item(tmp_path):
    members = b",".join(b'"k%d":1' % n for n in range(1_000_000))
    specification = read(tmp_path, b'{"images": [{%b}]}' % members)
    assert {rule for _, rule in found(specification)} == {"unknown_item_field"}
    assert 0 < specification.problem_count <= 1_000


def test_many_members_of_the_file(tmp_path):
    content = b"{%b}" % b",".join(b'"k%d":1' % n for n in range(50_000))
    assert found(read(tmp_path, content)) == [("/k0", "unknown_key")]


def test_many_members_of_metadata_are_taken(tmp_path):
    metadata = {f"k{n}": n for n in range(60_000)}
    (draft,) = drafts(read(tmp_path, ITEM % json.dumps(metadata).encode()))
    assert json.loads(draft.metadata) == {"x": metadata}


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        (b"1e308", []),
        (b"1e-999999999", []),
        (b"1e309", [(f"{META}/x", "metadata_type_mismatch")]),
        (b"-1e999999999999", [(f"{META}/x", "metadata_type_mismatch")]),
        (b"9" * 4000, []),
        (b"9" * 1_000_000, [(f"{META}/x", "metadata_type_mismatch")]),
        (b"0." + b"3" * 1_000_000, []),
        (b"Infinity", [("", "json_syntax")]),
        (b"0x10", [("", "json_syntax")]),
        (b"01", [("", "json_syntax")]),
    ],
    ids=lambda value: str(value)[:12],
)
def test_numbers(tmp_path, literal, expected):
    assert found(read(tmp_path, ITEM % literal)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "&lol9;<!DOCTYPE x [<!ENTITY lol 'lol'>]>",
        "=cmd|' /C calc'!A0",
        "${jndi:ldap://x}",
        "'; DROP TABLE items; --",
        "}, {\"objectUrl\": ",
        "\u202eabc\u2028",
        "\\u0000",
    ],
)  # fmt: skip
def test_texts_are_kept_as_they_are(tmp_path, text):
    item = {
        "objectUrl": "s3://b/a",
        "title": text,
        "clientMetadata": {"x": text, f"k{text}": [text]},
    }
    items = drafts(read(tmp_path, {"images": [item] * 3}))
    assert [draft.title for draft in items] == [text] * 3
    assert json.loads(items[1].metadata) == {"x": text, f"k{text}": [text]}


def test_metadata_that_looks_like_items_does_not_mislead(tmp_path):
    inner = [{"objectUrl": "not one"}, {"objectUrl": "nor this"}]
    items = [{"objectUrl": f"s3://b/{n}", "clientMetadata": {"x": inner}} for n in range(3000)]
    found_items = drafts(read(tmp_path, {"images": items, "videos": items[:5]}))
    assert [draft.at for draft in found_items] == [
        *(f"/images/{n}" for n in range(3000)),
        *(f"/videos/{n}" for n in range(5)),
    ]


@pytest.mark.parametrize(
    "content",
    [b"\0" * 100_000, b'{"images": [\0]}', b'{"images": ["' + b"\\" * 500_001, b"\xff" * 100_000],
)  # fmt: skip
def test_bytes_that_are_no_text(tmp_path, content):
    assert found(read(tmp_path, content)) == [("", "json_syntax")]


def test_backslashes_at_the_ends_of_blocks(tmp_path):
    for length in range(65_500, 65_540):
        title = "x" * 100 + "\\" * 100
        items = [{"objectUrl": "s3://b/a", "clientMetadata": {"y": "\\" * length}, "title": title}]
        (draft, _) = drafts(read(tmp_path, {"images": items * 2}))
        assert draft.title == title


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b"ObjectURL\n" + b"s3://b/a" * 500_000, "0"),
        (b"ObjectURL,Image title\ns3://b/a," + b'"' + b"x\n" * 200_000, "2"),
        (b"ObjectURL,Image title\ns3://b/a," + b'""' * 80_000 + b'"\n', "2"),
    ],
    ids=["one line", "a quote that never closes", "quotes"],
)
def test_csv_that_never_ends(tmp_path, content, row):
    assert found(read(tmp_path, content, "spec.csv")) == [(row, "csv_syntax")]


def test_nul_in_csv(tmp_path):
    assert found(read(tmp_path, b"\0" * 1000, "spec.csv")) == [("1", "csv_header_missing_url")]
