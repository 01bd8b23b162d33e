"""What docs/imports.md says of rules, formats and states is what the code has."""

from pathlib import Path

from resources.import_tasks.formats import endings
from resources.import_tasks.rules import MEANINGS, RULES

DOCS = (Path(__file__).parents[3] / "docs" / "imports.md").read_text(encoding="utf-8")


def test_every_rule_is_explained_in_its_own_words():
    assert set(MEANINGS) == set(RULES)
    for rule, meaning in MEANINGS.items():
        assert f"| `{rule}` | {meaning} |" in DOCS


def test_every_ending_is_named():
    named = {word.strip("`,") for word in DOCS.split() if word.strip("`,").startswith(".")}
    assert set(endings()) <= named
