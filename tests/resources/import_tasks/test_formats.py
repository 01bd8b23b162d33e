"""The closed list of files that tasks take."""

import pytest

from resources.import_tasks.formats import TASK_FORMATS, endings, format_of, refusal_of

REQUIRED = [
    ".docx",
    ".pdf",
    ".txt",
    ".md",
    ".json",
    ".mp3",
    ".wav",
    ".png",
    ".jpg",
    ".jpeg",
    ".mov",
    ".mp4",
    ".mpv",
]


@pytest.mark.parametrize("ending", REQUIRED)
def test_what_the_requirement_names_is_taken_in_any_case(ending):
    assert format_of(f"a{ending}") is format_of(f"dir.x/A{ending.upper()}") is not None


def test_each_ending_stands_for_one_format():
    assert len(endings()) == len(set(endings())) == sum(len(one.endings) for one in TASK_FORMATS)


@pytest.mark.parametrize("name", ["a.xyz", "README", ".pdf", "pdf", "a.pdf.exe", "a."])
def test_anything_else_is_refused_in_some_words(name):
    assert format_of(name) is None
    assert "not taken" in refusal_of(name)
    assert len(refusal_of(name)) < 80  # a thousand items may have it
