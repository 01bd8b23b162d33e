"""What a text names that a version is compared with, and what it cannot name."""

from __future__ import annotations

import pytest

from resources.drift.reference import DriftReference, parse_reference
from resources.kernel.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", DriftReference()),
        ("previous", DriftReference()),
        ("7", DriftReference("version", version="7")),
        ("version: 7", DriftReference("version", version="7")),
        ("train-2026-11", DriftReference("tag", "train-2026-11")),
        ("tag:7", DriftReference("tag", "7")),
        ("dataset:flights", DriftReference("dataset", "flights")),
        ("dataset: flights @ train", DriftReference("dataset", "flights", "train")),
        ("dataset:library/chunks@3", DriftReference("dataset", "library/chunks", "3")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_named(text, expected):
    assert parse_reference(text) == expected
    assert parse_reference(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "branch:main",
        "version:",
        "version:-1",
        "version:²",
        "tag:",
        "dataset:",
        "dataset:@1",
        "dataset:../orders",
        "dataset:a\x00b",
        "dataset:Orders",
        f"dataset:{'a' * 300}",
    ],
    ids=ascii,
)
def test_what_names_nothing_is_an_error_of_the_input(text):
    with pytest.raises(InputError, match="is nothing that a version could be compared with"):
        parse_reference(text)
