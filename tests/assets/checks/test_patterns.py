"""Regular expressions: what pandas says of them, by a process that ends."""

import re

import pandas as pd
import pytest

from assets.checks.patterns import Patterns, SlowPatternError

TEXTS = ["", "aa", "ab\n", "é", "٣", "3", "x\x0by", "a b", '"', "\\", "\u2028"]
PATTERNS = ["a(?=b)", r"(.)\1", r"\w", r"\d", "b$", r"\s", r"\bé", "(?i)A", "[^a]"]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.filterwarnings("ignore:This pattern is interpreted:UserWarning")
def test_a_match_is_one_of_pandas(pattern):
    series = pd.Series(TEXTS, index=range(5, 5 + len(TEXTS)))
    with Patterns() as patterns:
        for _ in range(2):
            found = patterns.contain(series, pattern)
            pd.testing.assert_series_equal(found, series.str.contains(pattern), check_names=False)


def test_one_that_backtracks_for_ever_is_stopped_and_the_next_is_not():
    series = pd.Series(["a" * 40 + "!"])
    with Patterns(seconds=0.3) as patterns:
        with pytest.raises(SlowPatternError, match=r"was stopped after 0\.3 seconds"):
            patterns.contain(series, r"(?=a)(a+)+$")
        assert patterns.contain(series, r"(?=a)a+!$").tolist() == [True]


def test_one_that_backtracks_is_no_matter_where_re2_takes_it():
    with Patterns(seconds=0.3) as patterns:
        assert patterns.contain(pd.Series(["a" * 5000 + "!"]), "(a+)+$").tolist() == [False]


def test_one_that_is_none_is_left_to_the_library():
    with Patterns() as patterns:
        assert patterns.contain(pd.Series(["a"]), "[") is None
    with pytest.raises(re.error):
        re.compile("[")
