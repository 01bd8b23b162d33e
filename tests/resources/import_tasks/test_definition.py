"""What a task may be told, and what is refused before it is made."""

import pytest

from resources.import_tasks.definition import (
    MOST_FILES,
    OPTIONS_OF,
    ConnectorSource,
    TaskDefinition,
    TaskOptions,
    UploadSource,
    WebSource,
    parse_definition,
)
from resources.kernel.errors import InputError

SHA = "a" * 64
DOCS = {"kind": "collection", "name": "docs"}


def made(source, **given) -> TaskDefinition:
    return parse_definition({"name": "", "target": DOCS, "source": source, **given})


def upload(*names: str) -> dict:
    return {"type": "upload", "files": [{"sha256": SHA, "name": n, "size": 3} for n in names]}


def web(*addresses: str) -> dict:
    return {"type": "web", "addresses": addresses}


def test_each_kind_of_source_is_told_by_its_type():
    assert isinstance(made(upload("a.PDF")).source, UploadSource)
    assert isinstance(made(web("https://example.org/a")).source, WebSource)
    lake = made({"type": "connector", "connector": "lake", "path": "**/*.pdf"})
    assert isinstance(lake.source, ConnectorSource)


def test_a_task_that_nobody_named_is_called_after_its_source():
    assert made(upload("a.pdf", "b.md", "c.txt")).name == "a.pdf and 2 more"
    assert made(web("https://example.org/news/")).name == "example.org/news"
    assert made({"type": "connector", "connector": "lake", "path": "x/*"}).name == "lake: x/*"
    assert made(upload("a.pdf"), name="  Annual   reports ").name == "Annual reports"


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/",
        "ftp://example.org/a",
        "example.org",
        "file:///etc/passwd",
        "https://user:secret@example.org/",
        "https://user@example.org/",
        "https:///nohost",
        "https://exam ple.org/",
        "https://[::1/",
        "https://example.org/\n",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_that_is_not_https_is_refused_before_anybody_is_asked(address):
    with pytest.raises(InputError) as told:
        made(web("https://example.org/", address))
    assert "secret" not in str(told.value) or "user:secret" in address


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source": upload()}, "no file"),
        ({"source": upload("a.xyz")}, "'.xyz' are not taken"),
        ({"source": upload("README")}, "without an ending"),
        ({"source": upload("a.pdf", "a.pdf")}, "two files"),
        ({"source": {"type": "upload", "files": [{"sha256": "../x", "name": "a.pdf", "size": 1}]}}, "no SHA-256"),
        ({"source": upload("a\n.pdf")}, "no name"),
        ({"source": upload("a.pdf"), "name": "x" * 201}, "200 characters"),
        ({"source": {"type": "web"}}, "no address"),
        ({"source": {"type": "ftp"}}, "no import task"),
        ({"source": {**upload("a.pdf"), "more": 1}, "options": {"output": "xml"}}, "no import task"),
        ({"source": upload("a.pdf"), "options": {"fields": [{"key": "k", "source": "regex", "pattern": "("}]}}, "no pattern"),
        ({"source": upload("a.pdf"), "options": {"fields": [{"key": "/", "pattern": "x"}]}}, "'/'"),
        ({"source": upload("a.pdf"), "target": {**DOCS, "folder": "../x"}}, "no folder"),
        ({"source": {"type": "web", "addresses": ["https://a.org"], "crawl": {"pages": 0}}}, "pages"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(given, said):
    with pytest.raises(InputError, match=said):
        parse_definition({"name": "", "target": DOCS, **given})


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("dataset", {"ocr": True}),
        ("dataset", {"keep_raw": True}),
        ("dataset", {"fields": [{"key": "year", "pattern": "x"}]}),
        ("dataset", {"output": "json"}),
        ("dataset", {"title": False}),
        ("dataset", {"details": False}),
        ("dataset", {"on_duplicate": "new_version"}),
        ("image_folder", {"ocr": True}),
        ("image_folder", {"form": {"format": "csv"}}),
        ("classification_set", {"keep_raw": True}),
        ("collection", {"form": {"format": "csv"}}),
    ],
)
def test_an_option_that_the_target_has_no_use_for_is_refused_by_its_place(kind, options):
    target, source = {"kind": kind, "name": "n"}, {"type": "connector", "connector": "a", "path": "b"}  # fmt: skip
    with pytest.raises(InputError, match="no use for the option") as told:
        parse_definition({"name": "", "target": target, "source": source, "options": options})
    [option] = options
    assert told.value.facts["place"] == f"options.{option}"
    assert repr(option) in told.value.message


def test_what_stays_as_it_is_by_itself_may_be_said_of_any_target():
    given = {name: getattr(TaskOptions(), name) for name in TaskOptions.__struct_fields__}
    for kind in OPTIONS_OF:
        target = {"kind": kind, "name": "n"}
        made({"type": "connector", "connector": "a", "path": "b"}, target=target, options=given)


def test_a_file_of_another_format_among_others_fails_alone_later():
    assert len(made(upload("a.pdf", "b.xyz")).source.files) == 2


def test_as_many_files_as_a_drop_may_have():
    assert made(upload(*(f"{n}.txt" for n in range(MOST_FILES)))).name == "0.txt and 12,999 more"
    with pytest.raises(InputError, match="13,001"):
        made(upload(*(f"{n}.txt" for n in range(MOST_FILES + 1))))
