"""A set refuses what its files could not hold."""

from __future__ import annotations

import pyarrow as pa
import pytest

from assets.classifications.schema import COLUMN_LIMIT, ParseOptions, SetColumn, SetSchema
from resources.kernel.errors import ConfigError


@pytest.mark.parametrize(
    "name",
    ["Key", "", " ", " a", "a ", "~empty~", "~deletekey~", "a\nb", "a\0", "\ud800", "é" * 128],
    ids=ascii,
)
def test_refused_column_names(name: str) -> None:
    with pytest.raises(ConfigError):
        SetColumn(name)


@pytest.mark.parametrize("name", ["Keys", "a b", "é" * 127, "~", '"', ","])
def test_allowed_column_names(name: str) -> None:
    assert SetSchema((SetColumn(name),)).arrow.names == ["Key", name]


def test_types_become_arrow_types_f112() -> None:
    kinds = ("text", "integer", "float", "list[string]")
    schema = SetSchema(tuple(SetColumn(kind, kind) for kind in kinds))
    assert schema.arrow.types == [
        pa.string(),
        pa.string(),
        pa.int64(),
        pa.float64(),
        pa.list_(pa.string()),
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SetColumn("a", "date"), "Known: text, integer"),
        (lambda: SetSchema(()), "1 to"),
        (lambda: SetSchema(tuple(SetColumn(f"c{n}") for n in range(COLUMN_LIMIT + 1))), "1 to"),
        (lambda: SetSchema((SetColumn("a"), SetColumn("b"), SetColumn("a"))), "twice: a"),
        (lambda: SetSchema((SetColumn("a"), SetColumn("A"))), "both 'a' and 'A'"),
        (lambda: SetSchema((SetColumn("key"),)), "both 'Key' and 'key'"),
        (lambda: SetSchema((SetColumn("a"),), encoding="cp1252"), "Known: utf8, latin1"),
        (lambda: SetSchema((SetColumn("a"),), list_delimiter="x"), "list delimiter"),
        (lambda: SetSchema((SetColumn("a"),), max_bytes=0), "max_bytes"),
        (lambda: ParseOptions(encoding="utf16"), "Known: utf8"),
        (lambda: ParseOptions(list_delimiter=""), "list delimiter"),
        (lambda: ParseOptions(max_problems=0), "at least one error"),
        (lambda: ParseOptions.for_set(SetSchema((SetColumn("a"),)), encoding="utf16"), "Known: utf8"),
    ],
    ids=range(13),
)  # fmt: skip
def test_refused_settings(make, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
