"""The expectations of Great Expectations 1.24 and what each takes; `wrong_argument` tells a wrong one without the library.

`test_expectation_arguments.py` compares names, needs and kinds with the library.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from assets.checks.argument_kinds import (
    BOUND,
    CHARACTER,
    COLUMN,
    COLUMNS,
    FLAG,
    MAPPING,
    NUMBER,
    PAIRS,
    SHAPE,
    SHARE,
    SIZE,
    SOME_TEXTS,
    SOME_VALUES,
    TEXT,
    TEXTS,
    VALUES,
    WHOLE,
    ArgumentKind,
    choice,
)

Arguments = Mapping[str, ArgumentKind]

FOR_ALL: Arguments = {
    "id": TEXT.or_null(),
    "meta": MAPPING.or_null(),
    "notes": ArgumentKind(
        "a text or a list of texts", lambda v: TEXT.takes(v) or TEXTS.takes(v)
    ).or_null(),
    "result_format": ArgumentKind(
        "one of 'BOOLEAN_ONLY', 'BASIC', 'SUMMARY', 'COMPLETE', or names with values",
        lambda v: v in ("BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE") or MAPPING.takes(v),
    ),
    "description": TEXT.or_null(),
    "catch_exceptions": FLAG,
    "windows": VALUES.or_null(),
    "batch_id": TEXT.or_null(),
}
"""What every expectation takes."""

_ROWS: Arguments = {
    "row_condition": ArgumentKind(
        "a text, or names with values", lambda v: TEXT.takes(v) or MAPPING.takes(v)
    ).or_null(),
    "condition_parser": choice(
        "great_expectations", "great_expectations__experimental__", "pandas", "spark"
    ).or_null(),
}
_STRICT: Arguments = {"strict_min": FLAG, "strict_max": FLAG}


def _between(kind: ArgumentKind) -> Arguments:
    return {"min_value": kind.or_null(), "max_value": kind.or_null()}


def _column(**own: ArgumentKind) -> Arguments:
    """About one column."""
    return {"column": COLUMN.needed(), **own, **_ROWS}


def _values(**own: ArgumentKind) -> Arguments:
    """About each value of a column."""
    return _column(**own, mostly=SHARE)


def _pair(**own: ArgumentKind) -> Arguments:
    """About two columns."""
    when = choice("both_values_are_missing", "either_value_is_missing", "neither")
    both = {"column_A": COLUMN.needed(), "column_B": COLUMN.needed()}
    return {**both, **own, "ignore_row_if": when, "mostly": SHARE, **_ROWS}


def _columns(
    when: ArgumentKind | None = None,
    **own: ArgumentKind,
) -> Arguments:
    """About several columns."""
    ignore = when or choice("all_values_are_missing", "any_value_is_missing", "never")
    columns = {"column_list": COLUMNS.needed()}
    return {**columns, **own, "ignore_row_if": ignore, "mostly": SHARE, **_ROWS}


_SET = VALUES.needed()
_ESCAPE = CHARACTER.or_null()
_MATCH_ON = choice("any", "all")

ARGUMENTS: Mapping[str, Arguments] = {
    "expect_column_distinct_values_to_be_in_set": _column(value_set=SOME_VALUES.needed()),
    "expect_column_distinct_values_to_contain_set": _column(value_set=_SET),
    "expect_column_distinct_values_to_equal_set": _column(value_set=_SET),
    "expect_column_kl_divergence_to_be_less_than": _column(
        partition_object=MAPPING.or_null(),
        threshold=NUMBER.or_null(),
        internal_weight_holdout=SHARE.or_null(),
        tail_weight_holdout=SHARE.or_null(),
        bucketize_data=FLAG,
        **_between(BOUND),
    ),
    "expect_column_max_to_be_between": _column(**_between(BOUND), **_STRICT),
    "expect_column_mean_to_be_between": _column(**_between(BOUND), **_STRICT),
    "expect_column_median_to_be_between": _column(**_between(BOUND), **_STRICT),
    "expect_column_min_to_be_between": _column(**_between(BOUND), **_STRICT),
    "expect_column_most_common_value_to_be_in_set": _column(
        value_set=_SET, ties_okay=FLAG.or_null()
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": _pair(or_equal=FLAG.or_null()),
    "expect_column_pair_values_to_be_equal": _pair(),
    "expect_column_pair_values_to_be_in_set": _pair(value_pairs_set=PAIRS.needed()),
    "expect_column_proportion_of_non_null_values_to_be_between": _column(
        **_between(NUMBER), **_STRICT
    ),
    "expect_column_proportion_of_unique_values_to_be_between": _column(
        **_between(NUMBER), **_STRICT
    ),
    "expect_column_quantile_values_to_be_between": _column(
        quantile_ranges=MAPPING.needed(), allow_relative_error=TEXT
    ),
    "expect_column_stdev_to_be_between": _column(**_between(NUMBER), **_STRICT),
    "expect_column_sum_to_be_between": _column(**_between(BOUND), **_STRICT),
    "expect_column_to_exist": {"column": COLUMN.needed(), "column_index": WHOLE.or_null()},
    "expect_column_type_to_be": {"column": COLUMN.needed(), "type_": TEXT.needed()},
    "expect_column_unique_value_count_to_be_between": _column(**_between(WHOLE), **_STRICT),
    "expect_column_value_lengths_to_be_between": _values(**_between(WHOLE), **_STRICT),
    "expect_column_value_lengths_to_equal": _values(value=NUMBER.needed()),
    "expect_column_value_z_scores_to_be_less_than": _values(
        threshold=NUMBER.needed(), double_sided=FLAG.needed()
    ),
    "expect_column_values_to_be_between": _values(**_between(BOUND), **_STRICT),
    "expect_column_values_to_be_dateutil_parseable": _values(),
    "expect_column_values_to_be_decreasing": _values(strictly=FLAG.or_null()),
    "expect_column_values_to_be_in_set": _values(value_set=_SET),
    "expect_column_values_to_be_in_type_list": _values(type_list=TEXTS.or_null()),
    "expect_column_values_to_be_increasing": _values(strictly=FLAG.or_null()),
    "expect_column_values_to_be_json_parseable": _values(),
    "expect_column_values_to_be_null": _values(),
    "expect_column_values_to_be_of_type": _values(type_=TEXT.needed()),
    "expect_column_values_to_be_unique": _values(),
    "expect_column_values_to_match_json_schema": _values(json_schema=MAPPING.needed()),
    "expect_column_values_to_match_like_pattern": _values(
        like_pattern=TEXT.needed(), escape=_ESCAPE
    ),
    "expect_column_values_to_match_like_pattern_list": _values(
        like_pattern_list=SOME_TEXTS.needed(), match_on=_MATCH_ON, escape=_ESCAPE
    ),
    "expect_column_values_to_match_regex": _values(regex=TEXT),
    "expect_column_values_to_match_regex_list": _values(
        regex_list=SOME_TEXTS.needed(), match_on=_MATCH_ON
    ),
    "expect_column_values_to_match_strftime_format": _values(strftime_format=TEXT.needed()),
    "expect_column_values_to_not_be_in_set": _values(value_set=_SET),
    "expect_column_values_to_not_be_null": _values(),
    "expect_column_values_to_not_be_outliers": _values(
        method=choice("iqr", "std"), multiplier=SIZE
    ),
    "expect_column_values_to_not_match_like_pattern": _values(
        like_pattern=TEXT.needed(), escape=_ESCAPE
    ),
    "expect_column_values_to_not_match_like_pattern_list": _values(
        like_pattern_list=SOME_TEXTS.needed(), escape=_ESCAPE
    ),
    "expect_column_values_to_not_match_regex": _values(regex=TEXT.needed()),
    "expect_column_values_to_not_match_regex_list": _values(regex_list=SOME_TEXTS.needed()),
    "expect_compound_columns_to_be_unique": _columns(),
    "expect_multicolumn_sum_to_equal": _columns(sum_total=NUMBER.needed()),
    "expect_multicolumn_values_to_be_equal": _columns(),
    "expect_query_results_to_match_comparison": {
        "base_query": TEXT.needed(),
        "comparison_data_source_name": TEXT.needed(),
        "comparison_query": TEXT.needed(),
        "mostly": SHARE,
    },
    "expect_select_column_values_to_be_unique_within_record": _columns(TEXT),
    "expect_table_column_count_to_be_between": _between(NUMBER),
    "expect_table_column_count_to_equal": {"value": WHOLE.needed()},
    "expect_table_columns_to_match_ordered_list": {"column_list": SHAPE.or_null()},
    "expect_table_columns_to_match_set": {
        "column_set": SHAPE.or_null(),
        "exact_match": FLAG.or_null(),
    },
    "expect_table_row_count_to_be_between": {**_between(WHOLE), **_STRICT, **_ROWS},
    "expect_table_row_count_to_equal": {"value": WHOLE.needed(), **_ROWS},
    "expect_table_row_count_to_equal_other_table": {"other_table_name": TEXT.needed(), **_ROWS},
}
"""By the name of the expectation; in the order in which they are shown."""

_NEEDS_A_BOUND = frozenset(
    {"expect_column_value_lengths_to_be_between", "expect_column_values_to_be_between"}
)


class WrongArgument:
    """Why an expectation cannot be asked like this.

    Args:
        text: what is wrong.
        hint: what to do about it.
        argument: which argument it is about, if one is given wrongly.
    """

    def __init__(self, text: str, hint: str, *, argument: str = "") -> None:
        self.text, self.hint, self.argument = text, hint, argument


def wrong_arguments(kind: str, given: Mapping[str, Any]) -> Iterator[WrongArgument]:
    """What is wrong with the arguments of a known expectation: each mistake."""
    own = ARGUMENTS[kind]
    takes = {**own, **FOR_ALL}
    missing = [name for name, wanted in own.items() if wanted.is_needed and name not in given]
    unknown = [name for name in given if name not in takes]
    for name in unknown:
        near = _nearest(name, missing) or _nearest(name, [n for n in own if n not in given])
        proposal = f"Did you mean {near!r}? " if near else ""
        missing = [other for other in missing if other != near]
        yield WrongArgument(
            f"{kind} takes no {name!r}", f"{proposal}{_all_of(own)}", argument=str(name)
        )
    for name in missing:
        yield WrongArgument(f"{kind} lacks {name!r}: {own[name].words}", _all_of(own))
    for name, value in given.items():
        if name in takes and not takes[name].takes(value):
            yield WrongArgument(f"{kind}: {name} has to be {takes[name].words}", "", argument=name)
    if kind in _NEEDS_A_BOUND and not unknown and _has_no_bound(given):
        yield WrongArgument(f"{kind} needs 'min_value' or 'max_value', or both", _all_of(own))


def _has_no_bound(given: Mapping[str, Any]) -> bool:
    return given.get("min_value") is None and given.get("max_value") is None


def _nearest(name: object, known: Iterable[str]) -> str:
    """What is spelt alike, or has the name as its first or last word: `min` for `min_value`, `set` for `value_set`."""
    text, names = str(name), list(known)
    words = [n for n in names if n.startswith(f"{text}_") or n.endswith(f"_{text}")]
    return next(iter([*get_close_matches(text, names, n=1, cutoff=0.7), *words]), "") or next(
        iter(get_close_matches(text, names, n=1, cutoff=0.6)), ""
    )


def _all_of(own: Arguments) -> str:
    return f"It takes {', '.join(own)}"
