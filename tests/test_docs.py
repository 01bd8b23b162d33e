"""The documentation is true where a machine can tell: tests that it names exist, and so do pages that it links."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_every_test_named_in_the_feature_list_exists():
    named = re.findall(r"`([\w/]+\.py)::([\w*]+)`", (ROOT / "docs" / "features.md").read_text())
    assert named
    missing = [
        f"{file}::{function}"
        for file, function in named
        if not (path := ROOT / "tests" / file).is_file()
        or (function != "*" and f"def {function}(" not in path.read_text())
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+?)\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
