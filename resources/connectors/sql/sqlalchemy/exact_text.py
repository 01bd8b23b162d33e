"""Values that a database writes as text because its driver would round them, read back exactly."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from resources.connectors.sql.sqlalchemy.column_types import Parse


def moments(*, extra_digits: int, zone: str | None = None) -> Parse:
    """Reads `2013-01-31 08:30:00.1234567` as microseconds; what has finer ones does not fit.

    Args:
        extra_digits: how many digits stand behind the microseconds.
        zone: the zone whose time the texts tell; none when None.
    """

    def parse(texts: pa.Array) -> pa.Array:
        found = without_zeros(texts, extra_digits).cast(pa.timestamp("us"))
        return found if zone is None else found.cast(pa.int64()).cast(pa.timestamp("us", tz=zone))

    return parse


def times(*, extra_digits: int) -> Parse:
    """Reads `08:30:00.1234567` as microseconds; what has finer ones does not fit."""

    def parse(texts: pa.Array) -> pa.Array:
        texts = without_zeros(texts, extra_digits)
        moment = pc.binary_join_element_wise("1970-01-01", texts, " ").cast(pa.timestamp("us"))
        return moment.cast(pa.int64()).cast(pa.time64("us"))

    return parse


def without_zeros(texts: pa.Array, count: int) -> pa.Array:
    """The texts without their last `count` signs, all of which are zeros.

    Raises:
        ValueError: one of them is not.
    """
    if not count:
        return texts
    tails = pc.utf8_slice_codeunits(texts, start=-count, stop=None)
    if not pc.all(pc.equal(tails, "0" * count), min_count=0).as_py():
        raise ValueError("finer than a microsecond")
    return pc.utf8_slice_codeunits(texts, start=0, stop=-count)


def numbers(kind: pa.DataType) -> Parse:
    """Reads decimal digits as `kind`; what is longer does not fit."""

    def parse(texts: pa.Array) -> pa.Array:
        exact = texts.cast(pa.decimal128(38, kind.scale if pa.types.is_decimal(kind) else 0))
        return exact.cast(kind)

    return parse
