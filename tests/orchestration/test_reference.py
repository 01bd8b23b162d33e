"""The reference pages are those that the code makes."""

import re

from orchestration.loading.types import known_types
from orchestration.reference import FOLDER, reference_pages, write_reference


def test_the_pages_in_docs_are_the_ones_that_the_types_make():
    kept = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    assert kept == reference_pages(), "./run reference"
    assert {f"{name}.md" for name in known_types()} == set(kept) - {"README.md"}


def test_a_page_of_a_type_that_is_gone_is_removed(tmp_path):
    (tmp_path / "assets.Gone.md").write_text("old")
    write_reference(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(reference_pages())


def test_a_page_says_what_an_attribute_takes_and_means():
    page = reference_pages()["assets.Embedding.md"]
    assert "| `columns` | list of text or `all` | `all` | Columns that make the vector" in page
    assert "| `label` | list of text or text |" in page
    assert "| `dimension` | whole number | `32` |" in page
    assert "| `dataset` | text | **required** |" in page
    assert "| `owners` | list of text |" in page
    assert "| `tags` | mapping |" in page
    assert "| `password` | mapping |" in reference_pages()["resources.SqlConnector.md"]


def test_links_within_a_page_lead_to_its_headings():
    for text in reference_pages().values():
        headings = {
            f"#{h.lower().replace(' ', '-')}" for h in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        }
        assert set(re.findall(r"\]\((#[^)]*)\)", text)) <= headings
