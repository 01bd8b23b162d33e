"""A task as it is asked for by JSON: every field that is not known is told, and the schema says what is taken."""

import pytest

from orchestration.services.import_tasks.asked import parse_task_order, schema_of_task_order
from resources.import_tasks.definition import UploadedFile
from resources.kernel.errors import InputError

TARGET = {"kind": "collection", "name": "library"}
PAGES = {"type": "web", "addresses": ["https://example.org/"]}


@pytest.mark.parametrize(
    ("given", "message", "place"),
    [
        ([], "JSON object", None),
        ({"target": TARGET}, "`source`", "source"),
        ({"target": {}, "source": PAGES}, "`kind`", "target.kind"),
        ({"target": TARGET, "source": {**PAGES, "type": "ftp"}}, "ftp", "source.type"),
        ({"target": TARGET, "source": PAGES, "strat": True}, r"\$\.strat", "strat"),
        (
            {"target": TARGET, "source": PAGES, "options": {"ocrr": True}},
            r"\$\.options\.ocrr",
            "options.ocrr",
        ),
        (
            {"target": TARGET, "source": PAGES, "options": {"fields": [{"key": "a", "x": 1}]}},
            r"\$\.options\.fields\[0\]\.x",
            "options.fields[0].x",
        ),
        (
            {"target": TARGET, "source": {"type": "upload", "uploads": [7]}},
            r"uploads\[0\]",
            "source.uploads[0]",
        ),
        ({"target": {**TARGET, "kind": "table"}, "source": PAGES}, "table", "target.kind"),
    ],
)
def test_what_is_no_task_is_told_by_its_field(given, message, place):
    with pytest.raises(InputError, match=message) as told:
        parse_task_order(given)
    assert told.value.facts.get("place") == place


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"target": {**TARGET, "kind": "table"}, "source": PAGES}, "collection, dataset, "),
        ({"target": TARGET, "source": {"type": "ftp"}}, "web, upload, connector"),
        (
            {
                "target": TARGET,
                "source": PAGES,
                "options": {"fields": [{"key": "a", "source": "x"}]},
            },
            "metadata, path, regex",
        ),
    ],
)
def test_a_word_that_is_none_of_a_few_is_told_with_them(given, words):
    with pytest.raises(InputError) as told:
        parse_task_order(given)
    assert words in told.value.hint


def test_files_take_the_place_of_their_uploads():
    asked = parse_task_order(
        {"target": TARGET, "source": {"type": "upload", "uploads": ["a", "b"]}}
    )
    assert asked.uploads == ("a", "b")
    files = tuple(UploadedFile(sha * 64, f"{sha}.pdf", 3) for sha in "ab")
    made = asked.definition(files)
    assert (made.source.files, made.name) == (files, "a.pdf and 1 more")
    with pytest.raises(InputError, match="xyz"):
        asked.definition((UploadedFile("a" * 64, "a.xyz", 3),))


def test_the_schema_stands_by_itself():
    schema = schema_of_task_order()
    assert "$ref" not in str(schema)
    kinds = [one["properties"]["type"]["enum"] for one in schema["properties"]["source"]["anyOf"]]
    assert kinds == [["web"], ["upload"], ["connector"]]
    assert schema["properties"]["options"]["properties"]["fields"]["items"]["title"] == "FieldRule"
