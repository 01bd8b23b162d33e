from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.connectors.files.key_patterns import KEY_LIMIT_BYTES, KeyPattern, check_key
from resources.kernel.errors import ConfigError, InputError
from tests.contract.file_connector import BAD_PATTERNS, BAD_TARGETS, LONG_KEY, ODD_KEYS

PART = st.text("ab*?[]-!.", min_size=1, max_size=5).filter(
    lambda text: text not in (".", "..") and "**" not in text
)
PATTERN = st.lists(PART | st.just("**"), min_size=1, max_size=4).map("/".join)
KEY = st.lists(
    st.text("ab*?[]-!.", min_size=1, max_size=4).filter(lambda t: t not in (".", "..")),
    min_size=1,
    max_size=5,
).map("/".join)


@pytest.mark.parametrize("text", BAD_PATTERNS.values(), ids=BAD_PATTERNS.keys())
def test_bad_patterns_are_refused(text):
    with pytest.raises(ConfigError) as caught:
        KeyPattern(text)
    assert len(str(caught.value)) <= 500
    assert "flights" in str(caught.value)  # what would do


@pytest.mark.parametrize("key", BAD_TARGETS.values(), ids=BAD_TARGETS.keys())
def test_bad_keys_are_refused(key):
    with pytest.raises(InputError, match="cannot be the key of an object"):
        check_key(key)


@pytest.mark.parametrize("key", [*ODD_KEYS.values(), LONG_KEY], ids=[*ODD_KEYS.keys(), "longest"])
def test_odd_keys_are_keys(key):
    assert check_key(key) == key
    assert len(key.encode()) <= KEY_LIMIT_BYTES


@pytest.mark.parametrize(
    ("pattern", "is_key", "prefix", "folder", "is_one_folder"),
    [
        ("a/b.csv", True, "a/b.csv", "a", False),
        ("b.csv", True, "b.csv", "", False),
        ("flights/2013-*.csv", False, "flights/2013-", "flights", True),
        ("*.csv", False, "", "", True),
        ("a/*/c.csv", False, "a/", "a", False),
        ("a/b?/**", False, "a/b", "a", False),
        ("a/**", False, "a/", "a", False),
        ("a/[xy].csv", False, "a/", "a", True),
    ],
)
def test_what_a_listing_may_leave_out(pattern, is_key, prefix, folder, is_one_folder):
    parsed = KeyPattern(pattern)
    found = (parsed.is_key, parsed.prefix, parsed.folder, parsed.is_one_folder)
    assert found == (is_key, prefix, folder, is_one_folder)


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("a/**", "a", False),
        ("**", "a", True),
        ("**", "a/b/c", True),
        ("**/a", "a", True),
        ("**/a", "b/a", True),
        ("**/a", "ba", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/xb", False),
        ("*", "a/b", False),
        ("a/*/b", "a//b", True),
        ("[*]", "*", True),
        ("[*]", "x", False),
        ("[", "[", True),
        ("a", "a\n", False),
        ("*.csv", "x.csv\n", False),
        ("*.csv", "x\ny.csv", True),
        ("A*", "a", False),
    ],
)
def test_matching(pattern, key, expected):
    assert KeyPattern(pattern).matches(key) is expected


def _reference(pattern: str) -> re.Pattern[str]:
    """The same meaning as one regular expression, which may backtrack."""
    import fnmatch

    out = ""
    parts = pattern.split("/")
    for i, part in enumerate(parts):
        is_last = i == len(parts) - 1
        if part == "**":
            out += r"(?:[^/]*/)*[^/]*" if is_last else r"(?:[^/]*/)*"
        else:
            text = (
                fnmatch.translate(part)
                .removeprefix("(?s:")
                .removesuffix(r")\Z")
                .replace(".*", "[^/]*")
            )
            out += re.sub(r"(?<!\\)\.(?![*])", "[^/]", text) + ("" if is_last else "/")
    return re.compile(out, re.DOTALL)


@given(
    pattern=st.lists(
        st.sampled_from(["a", "b", "a*", "?", "**", "*b", "ab"]), min_size=1, max_size=5
    ).map("/".join),
    keys=st.lists(
        st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=5).map("/".join),
        max_size=8,
    ),
)
def test_matching_agrees_with_a_regular_expression(pattern, keys):
    parsed, reference = KeyPattern(pattern), _reference(pattern)
    for key in keys:
        assert parsed.matches(key) == bool(reference.fullmatch(key)), (pattern, key)


@given(pattern=PATTERN, keys=st.lists(KEY, max_size=8))
def test_nothing_that_matches_is_left_out(pattern, keys):
    parsed = KeyPattern(pattern)
    for key in keys:
        if parsed.matches(key):
            assert key.startswith(parsed.prefix)
            assert key.startswith(parsed.folder)
            folders = key.split("/")[:-1]
            assert all(
                parsed.may_match_below("/".join(folders[: i + 1])) for i in range(len(folders))
            )
            if parsed.is_one_folder:
                assert key.rpartition("/")[0] == parsed.folder


@pytest.mark.parametrize(
    "pattern",
    ["*a" * 500 + "b", "**/" * 300 + "b", "**/*a/" * 100 + "b"],
    ids=["stars", "folders", "both"],
)
def test_a_hostile_pattern_does_not_explode(pattern):
    key = "/".join(["a" * 40] * 24)
    started = time.process_time()
    assert not KeyPattern(pattern).matches(key)
    assert not KeyPattern(pattern).matches("a" * 1024)
    assert (
        time.process_time() - started < 20
    )  # exponential time would never end; this bound is no measurement
