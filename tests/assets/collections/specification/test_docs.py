"""The chapters on specifications in `docs/collections.md` are true."""

import re
from pathlib import Path

import pytest

from assets.collections.specification.making_items import EXTENSIONS
from assets.collections.specification.sections import SECTIONS
from resources.collections.items import MEDIA_FIELDS
from resources.collections.rules import FILE_RULES, ITEM_RULES
from tests.assets.collections.specification.files import found, read

PAGE = (Path(__file__).parents[4] / "docs" / "collections.md").read_text()
SPECIFICATIONS = PAGE[PAGE.index("## Specifications: JSON") : PAGE.index("## Limits")]
EXAMPLES = re.findall(r"```(json|csv)\n(.*?)```", SPECIFICATIONS, re.DOTALL)


@pytest.mark.parametrize(("ending", "text"), EXAMPLES, ids=lambda value: value[:20])
def test_each_example_is_accepted(tmp_path, ending, text):
    specification = read(tmp_path, text, f"example.{ending}")
    assert found(specification) == []
    assert specification.counts.item_count


def test_there_are_examples_of_both_formats():
    assert {ending for ending, _ in EXAMPLES} == {"json", "csv"}


def test_the_table_of_rules_has_each_rule_in_the_order_in_which_they_count():
    rows = re.findall(r"^\| `(\w+)` \| (file|item) \| .+ \|$", PAGE, re.MULTILINE)
    expected = [(rule, "file") for rule in FILE_RULES] + [(rule, "item") for rule in ITEM_RULES]
    assert rows == expected


def test_the_table_of_sections_has_each_section_with_its_media_metadata():
    for section in SECTIONS.values():
        (row,) = [
            line
            for line in SPECIFICATIONS.splitlines()
            if line.startswith("| `") and f"`{section.name}`" in line.split("|")[1]
        ]
        for field in MEDIA_FIELDS.get(section.type, ()):
            assert f"`{field}`" in row
        assert section.media_member in row


def test_the_extensions_are_named():
    chapter = PAGE[PAGE.index("## Specifications from a listing") :]
    assert set(EXTENSIONS) <= set(re.findall(r"[\w.]+", chapter))
