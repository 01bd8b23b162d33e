"""Names of tables and columns: quoting, limits, staging names, timestamped names, and what retention may drop.

Pure text. What belongs here: every rule by which a name is made, checked, or read back (T16, 2c, E38). What does
not: asking a database which names exist.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from resources.kernel.errors import InputError, SchemaMismatchError
from resources.kernel.quoting import quoted, quoted_text

Limit = tuple[int, str]
"""Longest name and its unit: `(63, "bytes")` or `(128, "characters")`."""

LEDGER_TABLE = "_exports"
STAGING_PREFIX = "_stg_"

_STAGING = re.compile(rf"{STAGING_PREFIX}[0-9a-f]{{8}}_[0-9a-f]{{12}}")
_TIMESTAMPED = re.compile(r"(?P<base>.+)_(?P<stamp>\d{8}T\d{6}Z)_(?P<token>[0-9a-f]{6})", re.DOTALL)
_STAMP_FORMAT = "%Y%m%dT%H%M%SZ"
_SUFFIX_LENGTH = len("_20130101T000000Z_") + 6
_LATEST_SUFFIX = "_latest"
_CUT_MARK_LENGTH = 7
_ALLOWED_SIGNS = frozenset("_-$ ")


def quote_identifier(name: str) -> str:
    """`name` between double quotes, as SQLite, DuckDB and PostgreSQL read it (T16).

    Raises:
        InputError: an empty name, a NUL character, or text that is not Unicode.
    """
    if not name:
        raise InputError("an empty text cannot name a table or column")
    if "\0" in name:
        raise InputError(f"the name {name!r} holds a NUL character", hint="Rename it at the source")
    _encoded(name)
    return quoted(name)


def quote_literal(text: str) -> str:
    """`text` between single quotes, for the few statements that take no parameters."""
    if "\0" in text:
        raise InputError(f"the text {text[:60]!r} holds a NUL character")
    return quoted_text(text)


def identifier_length(name: str, unit: str) -> int:
    """How long `name` is where the limit counts `bytes` (of UTF-8) or `characters`."""
    return len(_encoded(name)) if unit == "bytes" else len(name)


def is_too_long(name: str, limit: Limit) -> bool:
    """Whether a database with this limit would cut or refuse `name` (E38)."""
    longest, unit = limit
    return identifier_length(name, unit) > longest


def check_table_name(name: str, limit: Limit) -> str:
    """`name` itself if a table that Waybill writes may be called so (T16).

    Letters, marks and digits of any script, `_`, `-`, `$` and inner spaces: quotes, dots, semicolons and control
    characters have no place in the name of a table, however well they are quoted.

    Raises:
        InputError: another character, or a name of Waybill's own.
        SchemaMismatchError: longer than `limit`. PostgreSQL would cut it and hit another table.
    """
    bad = next((sign for sign in name if not _is_allowed(sign)), None)
    if not name or bad is not None or name != name.strip():
        reason = f"the character {bad!r}" if bad is not None else "no name between the spaces"
        raise InputError(
            f"{name[:80]!r} cannot name a table: {reason}",
            hint="Use letters, digits, '_', '-', '$' and inner spaces",
            table=name,
        )
    if name.casefold() == LEDGER_TABLE or _STAGING.fullmatch(name.casefold()):
        raise InputError(f"the table name {name!r} is Waybill's own", hint="Choose another")
    if is_too_long(name, limit):
        raise SchemaMismatchError(
            f"the table name {name[:80]!r} is {identifier_length(name, limit[1])} {limit[1]} long,"
            f" the database allows {limit[0]}",
            hint="Shorten it",
            table=name,
        )
    return name


def staging_name(target: str, run_id: str) -> str:
    """Where the rows of one run wait before they become the rows of `target` (2b): 26 ASCII characters."""
    return f"{STAGING_PREFIX}{_digest(target, 8)}_{_digest(run_id, 12)}"


def is_internal_name(name: str) -> bool:
    """Whether a table is part of how exports are made: the ledger or a staging table, by its full pattern."""
    return name == LEDGER_TABLE or _STAGING.fullmatch(name) is not None


@dataclass(frozen=True, order=True)
class TimestampedName:
    """A table name of mode `timestamp`, taken apart. Sorts by time."""

    stamp: datetime
    token: str
    base: str
    """The table's name as configured, or its cut form."""


def timestamped_name(base: str, started_at: datetime, run_id: str, limit: Limit) -> str:
    """`<base>_<YYYYMMDD>T<HHMMSS>Z_<6 hex>`: the same for every retry of a run, never over `limit` (2c).

    Args:
        base: the table's name as configured; cut on a character boundary where it is too long.
        started_at: start of the run, aware.
        run_id: tells runs of one second apart.
        limit: the database's longest name.
    """
    if started_at.tzinfo is None:
        raise InputError("the start of a run needs a time zone to name a table")
    utc = started_at.astimezone(UTC)
    stamp = f"{utc.year:04}{utc:%m%dT%H%M%SZ}"
    return f"{_fit(base, limit, _SUFFIX_LENGTH)}_{stamp}_{_digest(run_id, 6)}"


def parse_timestamped_name(name: str) -> TimestampedName | None:
    """The parts of a timestamped name, or None when `name` does not match the full pattern."""
    match = _TIMESTAMPED.fullmatch(name)
    if match is None:
        return None
    try:
        stamp = datetime.strptime(match["stamp"], _STAMP_FORMAT).replace(tzinfo=UTC)
    except ValueError:  # digits that are no date: not a name of ours
        return None
    return TimestampedName(stamp=stamp, token=match["token"], base=match["base"])


def latest_view_name(base: str, limit: Limit) -> str:
    """The view that always shows the newest timestamped table of `base`."""
    return _fit(base, limit, len(_LATEST_SUFFIX)) + _LATEST_SUFFIX


def choose_retired(
    names: Iterable[str], base: str, *, keep: int, current: str, limit: Limit
) -> list[str]:
    """The timestamped tables that retention drops: all but the `keep` newest, oldest first (2c).

    Args:
        names: tables that exist and that the ledger knows as this exporter's.
        base: the table's name as configured. Names of other bases or patterns are never chosen.
        keep: how many to leave, at least 1.
        current: the table of this run; never chosen, however late its run came.
        limit: the database's longest name.
    """
    if keep < 1:
        raise InputError(
            f"retention must keep at least one table, not {keep}", hint="Set `keep` to 1 or more"
        )
    fitted = _fit(base, limit, _SUFFIX_LENGTH)
    parsed = {name: parse_timestamped_name(name) for name in set(names)}
    # Of one second's tables this run's counts as the newest: else it would stay beyond `keep`.
    ours = sorted(
        (found.stamp, name == current, name)
        for name, found in parsed.items()
        if found and found.base == fitted
    )
    return [name for _, is_current, name in ours[:-keep] if not is_current]


def _fit(base: str, limit: Limit, suffix_length: int) -> str:
    longest, unit = limit
    room = longest - suffix_length
    if identifier_length(base, unit) <= room:
        return base
    keep = room - _CUT_MARK_LENGTH
    cut = _encoded(base)[:keep].decode("utf-8", errors="ignore") if unit == "bytes" else base[:keep]
    return f"{cut}_{_digest(base, 6)}"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(_encoded(text)).hexdigest()[:length]


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"the name {text[:60]!r} is not valid Unicode", hint="Rename it at the source"
        ) from error


def _is_allowed(sign: str) -> bool:
    return sign in _ALLOWED_SIGNS or unicodedata.category(sign)[0] in "LMN"
