"""Filters by plain Python over plain values: what both databases have to find, and a collection to find it in."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from resources.collections.filters import (
    And,
    Compared,
    Exists,
    Filter,
    Not,
    OneOf,
    Or,
    Within,
    Word,
)
from resources.collections.items import ItemDraft
from resources.collections.metadata_schema import MetadataKey, MetadataSchema

KEYS = [
    MetadataKey("lux", "number"),
    MetadataKey("video.site", "varchar"),
    MetadataKey("weather", "enum", ("fog", "rain", "Sonne")),
    MetadataKey("taken", "datetime"),
    MetadataKey("ok", "boolean"),
    MetadataKey("ref", "uuid"),
    MetadataKey("notes", "text"),
    MetadataKey("place", "geospatial"),
    MetadataKey("vec", "embedding", size=2),
    MetadataKey("title", "varchar"),
    MetadataKey("gone", "number", state="deleted"),
]
SCHEMA = MetadataSchema("labels", {key.name: key for key in KEYS})
UUIDS = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-00000000000A"]
TEXTS = ["", "north", "North", "Ärger", "ärger 100%", "a'b\"c\\", "z_z", "🙂é", "日本"]
POOLS: dict[str, list[Any]] = {
    "lux": [0, 1, 1.0, -0.0, 3.5, 2**53 + 1, -7, 1e17, True, "1", None, [1], {}],
    "video.site": [*TEXTS, None, 5, "x" * 9000],
    "weather": ["fog", "rain", "Sonne", "FOG", None, 3],
    "taken": [
        "2026-11-30",
        "2026-11-30T09:40:00Z",
        "2026-11-30T10:40:00+01:00",
        "2026-11-30T23:30:00-02:00",
        "2026-11-29T23:59:59.999999",
        "1969-12-31T00:00:00Z",
        "yesterday",
        17,
        None,
    ],
    "ok": [True, False, 1, 0, "true", None],
    "ref": [UUIDS[0], UUIDS[0].upper(), "urn:uuid:" + UUIDS[1], "x", None],
    "notes": [*TEXTS, None, {"a": "north"}, ["north"], 1.5],
    "place": [{"latitude": 52.5, "longitude": 13.4}, {"latitude": 91, "longitude": 0}, None, 3],
    "vec": [[1, 2.5], [1], ["a", 1], None],
    "title": TEXTS,
    "gone": [1],
    "undeclared": [1, {"deep": [1]}],
}
MEDIA = [None, {}, {"width": 32, "height": 16.0, "mime_type": "image/PNG"}, {"width": "32"}]
KINDS = ["image", "video", "image_group"]


def some_drafts(count: int = 120) -> list[ItemDraft]:
    """Items with all kinds of values, the same each time."""
    chance = random.Random(20261130)
    drafts = []
    for number in range(count):
        kind = chance.choice(KINDS)
        urls = [f"s3://bucket/{'Ä' if number % 7 == 0 else 'x'}/{number}"]
        urls += ["s3://bucket/shared"] if kind == "image_group" else []
        metadata = {
            name: chance.choice(pool) for name, pool in POOLS.items() if chance.random() < 0.6
        }
        drafts.append(
            ItemDraft(
                at=str(number),
                type=kind,  # type: ignore[arg-type]
                title=chance.choice(TEXTS),
                urls=tuple(urls),
                media=_json(chance.choice(MEDIA)),
                metadata=None if chance.random() < 0.1 else _json(metadata),
            )
        )
    return drafts


def _json(value: Any) -> bytes | None:
    return None if value is None else msgspec.json.encode(value)


def value_of(field: Word, item: dict[str, Any]) -> Any:
    """What a field of an item is: a comparable value, a list of lines, or None."""
    name = field.text
    if not field.is_quoted:
        if name in ("type", "state", "title", "folder", "url", "id", "rule"):
            return item[name]
        if name.startswith("media."):
            found = (item["media"] or {}).get(name[6:])
            wanted = str if name == "media.mime_type" else (int, float)
            return found if isinstance(found, wanted) else None
    metadata = item["metadata"] or {}
    if name.startswith("place."):
        place = _fitting("place", metadata.get("place"))
        return None if place is None else place[name[6:]]
    return _fitting(name, metadata.get(name))


def _fitting(name: str, value: Any) -> Any:  # noqa: PLR0911 - one a kind
    key = SCHEMA.keys[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match key.kind:
        case "number":
            return float(value) if is_number else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case "datetime":
            return _moment(value) if isinstance(value, str) and value != "yesterday" else None
        case "uuid":
            is_uuid = isinstance(value, str) and len(value) >= 36
            return value.lower().removeprefix("urn:uuid:") if is_uuid else None
        case "enum":
            return value if value in key.options else None
        case "varchar":
            return value if isinstance(value, str) and len(value) <= 8192 else None
        case "text":
            return value if isinstance(value, str) else None
        case "geospatial":
            return value if isinstance(value, dict) and value["latitude"] <= 90 else None
        case _:
            return True if value == [1, 2.5] else None


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _span(given: str, like: Any) -> tuple[Any, Any]:
    """The first value that a text means, and the last."""
    if isinstance(like, datetime):
        start = _moment(given)
        is_day = len(given) == 10
        return start, start + timedelta(days=1, microseconds=-1) if is_day else start
    if isinstance(like, bool):
        return given.lower() == "true", given.lower() == "true"
    if isinstance(like, int | float):
        return float(given), float(given)
    plain = given.lower().removeprefix("urn:uuid:") if given.lower() in _ALL_UUIDS else given
    return plain, plain


_ALL_UUIDS = {form for one in UUIDS for form in (one.lower(), "urn:uuid:" + one.lower())}


def _order(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _same(given: Word, value: Any) -> bool:
    if isinstance(value, list):
        return given.text in value
    low, high = map(_order, _span(given.text, value))
    return bool(low <= _order(value) <= high)


def _holds(given: str, value: str) -> bool:
    forms = [given, given.lower(), given.upper(), given.capitalize(), given.title()]
    return any(_small(form) in _small(value) for form in forms)


def _small(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def finds(part: Filter, item: dict[str, Any]) -> bool:  # noqa: C901, PLR0911 - one a form
    """Whether a filter finds an item."""
    match part:
        case And(parts):
            return all(finds(one, item) for one in parts)
        case Or(parts):
            return any(finds(one, item) for one in parts)
        case Not(inner):
            return not finds(inner, item)
    value = value_of(part.field, item)
    if isinstance(part, Compared) and part.operator in ("!=", "!~"):
        opposite = "=" if part.operator == "!=" else "~"
        return not finds(Compared(part.field, opposite, part.value), item)
    if value is None:
        return False
    match part:
        case Exists():
            return True
        case OneOf(_, values):
            return any(_same(one, value) for one in values)
        case Within(_, low, high):
            return (low is None or _order(_span(low.text, value)[0]) <= _order(value)) and (
                high is None or _order(value) <= _order(_span(high.text, value)[1])
            )
        case Compared(_, "=", given):
            return _same(given, value)
        case Compared(_, "~", given):
            return _holds(given.text, "\n".join(value) if isinstance(value, list) else value)
    low, high = map(_order, _span(part.value.text, value))
    value = _order(value)
    return {"<": value < low, "<=": value <= high, ">": value > high, ">=": value >= low}[
        part.operator
    ]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _texts(*more: str) -> st.SearchStrategy[str]:
    return st.sampled_from([_quoted(text) for text in (*TEXTS, *more)])


NUMBERS = st.sampled_from(["0", "1", "1.0", "3.5", "-7", "32", "9007199254740992", "1e17", '"16"'])
TIMES = st.sampled_from(
    ["2026-11-30", "2026-11-30T09:40:00Z", '"2026-11-30T10:40:00+01:00"', "2026-11-29"]
)
_ORDERED: dict[str, st.SearchStrategy[str]] = {
    "lux": NUMBERS,
    "media.width": NUMBERS,
    "media.height": NUMBERS,
    "place.latitude": NUMBERS,
    "id": NUMBERS,
    "taken": TIMES,
    "video.site": _texts(),
    '"title"': _texts(),
    "title": _texts(),
    "notes": _texts(),
    "media.mime_type": _texts("image/PNG"),
    "folder": _texts("north"),
}
_EQUAL: dict[str, st.SearchStrategy[str]] = {
    "type": st.sampled_from(KINDS),
    "state": st.sampled_from(["ready", "pending"]),
    "weather": st.sampled_from(["fog", "rain", "Sonne"]),
    "ok": st.sampled_from(["true", "FALSE"]),
    "ref": st.sampled_from([UUIDS[0], UUIDS[0].upper(), _quoted("urn:uuid:" + UUIDS[1])]),
    "url": st.sampled_from(["s3://bucket/shared", "s3://bucket/x/1", _quoted("s3://bucket/Ä/0")]),
}
_SEARCHED = ["title", '"title"', "notes", "video.site", "folder", "weather", "url"]
_ANY = [*_ORDERED, *_EQUAL, "place", "vec"]


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    form = draw(st.integers(0, 5))
    if form == 0:
        return f"{draw(st.sampled_from(_ANY))} {draw(st.sampled_from(['exists', 'missing']))}"
    if form == 1:
        text = draw(st.sampled_from(["nor", "ärger", "ÄRGER", "%", "_", 'B"C\\', "é", "本", "S3:"]))
        sign = draw(st.sampled_from(["~", "!~"]))
        return f"{draw(st.sampled_from(_SEARCHED))} {sign} {_quoted(text)}"
    fields = _ORDERED if form < 5 else _EQUAL
    name = draw(st.sampled_from(sorted(fields)))
    if form == 2:
        sign = draw(st.sampled_from(["<", "<=", ">", ">="]))
        return f"{name} {sign} {draw(fields[name])}"
    if form == 3:
        ends = draw(st.tuples(*[st.one_of(st.just(""), fields[name])] * 2))
        return f"{name} in {ends[0]}..{ends[1] or draw(fields[name])}"
    if draw(st.booleans()):
        values = ", ".join(draw(st.lists(fields[name], min_size=1, max_size=3)))
        return f"{name} {draw(st.sampled_from(['in', 'not in', 'IN']))} ({values})"
    return f"{name} {draw(st.sampled_from(['=', '!=']))} {draw(fields[name])}"


FILTERS = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.builds("not {}".format, inner.map("({})".format)),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
        st.builds("{} and {} or {}".format, comparisons(), comparisons(), comparisons()),
    ),
    max_leaves=4,
)
