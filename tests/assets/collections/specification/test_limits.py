"""Limits: what reaches them passes, one more does not; memory stays bounded whatever the size of a file."""

import json
import tracemalloc

import pytest

from assets.collections.specification import csv_groups, json_cursor, problems
from assets.collections.specification.counts import SpecificationCounts
from assets.collections.specification.json_file import JsonFile
from tests.assets.collections.specification.files import drafts, found, read

A = "s3://bucket/a.png"


def spelled(specification):
    return found(specification), specification.counts.item_count


@pytest.mark.parametrize("count", [5, 6])
@pytest.mark.parametrize("name", ["spec.json", "spec.csv"])
def test_items_of_a_file(tmp_path, monkeypatch, name, count):
    monkeypatch.setattr(problems, "MOST_ITEMS", 5)
    content = (
        {"images": [{"objectUrl": A}] * count}
        if name == "spec.json"
        else "ObjectURL\n" + f"{A}\n" * count
    )
    at = "" if name == "spec.json" else "0"
    expected = [] if count == 5 else [(at, "too_many_items")]
    assert found(read(tmp_path, content, name)) == expected


@pytest.mark.parametrize("count", [5, 6])
@pytest.mark.parametrize("name", ["spec.json", "spec.csv"])
def test_urls_of_a_file(tmp_path, monkeypatch, name, count):
    monkeypatch.setattr(problems, "MOST_URLS", 5)
    urls = {f"objectUrl_{n}": A for n in range(count)}
    content = (
        {"dicom_series": [{"title": "S", **urls}]}
        if name == "spec.json"
        else "ObjectURL,Series title\n" + f"{A},S\n" * count
    )
    at = "" if name == "spec.json" else "0"
    expected = [] if count == 5 else [(at, "too_many_urls")]
    assert found(read(tmp_path, content, name)) == expected


@pytest.mark.parametrize("letter", ["a", "é"])
def test_urls_and_titles_may_reach_their_limits(tmp_path, letter):
    length = 16384 - len("s3://b/")
    url = (
        "s3://b/" + letter * (length // len(letter.encode())) + "x" * (length % 2 * (letter == "é"))
    )
    assert len(url.encode()) == 16384
    content = {"images": [{"objectUrl": url, "title": letter * 300}]}
    assert found(read(tmp_path, content)) == []
    assert found(read(tmp_path, f"ObjectURL,Image title\n{url},{letter * 300}\n", "spec.csv")) == []


def test_custom_metadata_is_measured_as_compact_json(tmp_path):
    vector = {"v": [0] * 30_000}
    spaced = json.dumps({"images": [{"objectUrl": A, "clientMetadata": vector}]}, indent=100)
    assert len(spaced) > 10_485_760
    assert found(read(tmp_path, spaced)) == []
    short = b'{"images": [{"objectUrl": "s3://b/a", "clientMetadata": {"v": [%b]}}]}'
    grows = short % b",".join([b"1e15"] * 700_000)  # 1000000000000000.0 when it is kept
    assert len(grows) < 10_485_760
    assert found(read(tmp_path, grows)) == [
        ("/images/0/clientMetadata", "client_metadata_too_large")
    ]


def test_an_item_too_large_for_memory_ends_the_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(json_cursor, "ITEM_BYTES", 300_000)
    content = {"images": [{"objectUrl": A, "clientMetadata": {"x": ["y"] * 200_000}}]}
    assert found(read(tmp_path, content)) == [("", "item_too_large")]


def test_groups_of_csv_that_overlap_too_much_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_groups, "HELD_BYTES", 20_000)
    rows = [f"s3://bucket/{n}/{'x' * 100},{{}}" for n in range(200)]
    heading = "ObjectURL,Series title\n"
    apart = heading + "\n".join(row.format(n % 2) for n, row in enumerate(rows))
    together = heading + "\n".join(row.format(n // 2) for n, row in enumerate(rows))
    assert found(read(tmp_path, apart, "spec.csv")) == [("0", "item_too_large")]
    specification = read(tmp_path, together, "spec.csv")
    assert [len(draft.urls) for draft in drafts(specification)] == [2] * 100


def test_memory_is_bounded_by_blocks_and_not_by_the_file():
    item = json.dumps({"objectUrl": A, "clientMetadata": {"site": "north", "lux": 3.5}}).encode()

    def blocks():
        yield b'{"images": [' + item
        for _ in range(60):
            yield (b", " + item) * 500
        yield b"]}"

    counts = SpecificationCounts()
    tracemalloc.start()
    try:
        reading = JsonFile(blocks(), None, problems.ProblemList(), counts)
        batches = reading.read(with_drafts=True)
        assert sum(map(len, batches)) == counts.item_count == 30_001
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
