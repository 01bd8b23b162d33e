"""What people and machines are told of a checked specification."""

import csv
import json

from assets.collections.specification import problems as problem_lists
from assets.collections.specification.report import problems_csv, report_json, report_lines
from tests.assets.collections.specification.files import read

A = "s3://b/a"


def test_counts_with_the_default_of_json(tmp_path):
    group = {"title": "G", "objectUrl_0": A, "objectUrl_1": A}
    vector = {"objectUrl": A, "clientMetadata": {"vec": [0.5] * 8}}
    content = {
        "image_groups": [*[group] * 12, *[group | {"createVideo": True}] * 3],
        "images": [vector],
    }
    assert report_lines(read(tmp_path, content)) == [
        "1 image, 12 image groups of 24 files, 3 image sequences of 6 files",
        "12 image groups: `createVideo` was not given, and JSON makes a group of them then",
        "Known items are made once more: `skip_duplicate_urls` is not true",
        (
            "Warning: 'vec' holds lists of numbers in 1 items (first /images/0) and is not declared:"
            " it is kept as plain metadata, not as an embedding"
        ),
    ]


def test_counts_with_the_default_of_csv(tmp_path):
    content = f"ObjectURL,Image group title,Create video\n{A},G,\n{A},H,false\n{A},G,\n"
    lines = report_lines(read(tmp_path, content, "spec.csv"))
    assert lines[:2] == [
        "1 image group of 1 files, 1 image sequence of 2 files",
        "1 image sequence: `Create video` was not given, and CSV makes a sequence of them then",
    ]


def test_flags_are_told(tmp_path):
    content = {"images": [{"objectUrl": A}], "skip_duplicate_urls": True}
    assert report_lines(read(tmp_path, content))[-1] == "Known items are skipped"
    lines = report_lines(read(tmp_path, content | {"upsert_metadata": True}))
    assert "replaces" in lines[-1]


def test_problems_as_json_and_csv(tmp_path, monkeypatch):
    monkeypatch.setattr(problem_lists, "MOST_PROBLEMS", 2)
    specification = read(tmp_path, {"images": [{"objectUrl": 'a "b", c'}, {}, {}]})
    told = json.loads(json.dumps(report_json(specification)))
    assert (told["accepted"], told["complete"]) == (False, False)
    assert told["problems_by_rule"] == {"url_whitespace": 1, "url_missing": 2}
    rows = list(csv.DictReader(problems_csv(specification)))
    assert rows[:2] == told["problems"]
    places = ["/images/0/objectUrl", "/images/1/objectUrl", "/images/2/objectUrl"]
    assert [row["at"] for row in rows] == places  # all of them, also beyond those that are listed
    assert report_lines(specification)[-2:] == [
        "Refused: 3 problems (url_whitespace 1, url_missing 2)",
        "The first 2 are listed",
    ]
