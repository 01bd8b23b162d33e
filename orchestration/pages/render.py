"""Templates, how values are shown in them, and the headers of every page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NOTHING = "\N{EN DASH}"
"""Shown where there is no value."""
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_STEPS = (
    (60, "second", 1),
    (3_600, "minute", 60),
    (86_400, "hour", 3_600),
    (30 * 86_400, "day", 86_400),
)


def to_number(value: int | float | None) -> str:
    """A number with its thousands apart: `1,234,567`."""
    return NOTHING if value is None else f"{value:,}"


def to_size(size_bytes: int | None) -> str:
    """A size in a unit that a person can read: `12.3 MB`."""
    if size_bytes is None:
        return NOTHING
    size, unit = float(size_bytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def to_when(moment: datetime | float | str | None, now: datetime | None = None) -> Markup:
    """How long ago something was, exact on hover and for programs."""
    if moment is None or moment == "":
        return Markup(NOTHING)  # noqa: S704 - a constant
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, (int, float)):
        moment = datetime.fromtimestamp(moment, UTC)
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    exact = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    text = (
        f'<time datetime="{moment.isoformat()}" title="{exact}">{_distance(seconds, moment)}</time>'
    )
    return Markup(text)  # noqa: S704 - digits and words of ours


def _distance(seconds: float, moment: datetime) -> str:
    for most, unit, length in _STEPS:
        if abs(seconds) < most:
            count = int(abs(seconds) / length)
            text = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
            if unit == "second" and count < 5:
                return "just now"
            return f"{text} ago" if seconds >= 0 else f"in {text}"
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def to_duration(seconds: float | None) -> str:
    """How long something took: `850 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def to_rate(a_second: float | None) -> str:
    """How many a second or a minute: `12/s`, `3.4/s`, `20/min`."""
    if a_second is None:
        return NOTHING
    if a_second < 1:
        return f"{a_second * 60:.0f}/min"
    return f"{a_second:.1f}/s" if a_second < 10 else f"{a_second:,.0f}/s"


def to_part(text: object) -> str:
    """A text as one part of a path."""
    return quote(str(text), safe="")


def to_place(name: object) -> str:
    """The name of a thing as one part of a path: `~` stands for the `/` in names that Python gives."""
    return quote(str(name).replace("/", "~"), safe="~")


def to_words(text: object) -> str:
    """A noun, or a text with one, as people read it: what is `datasource` in YAML and addresses is a data source."""
    return str(text).replace("datasource", "data source").replace("Datasource", "Data source")


def to_kind(kind: str) -> str:
    """The type of an item as people write it."""
    written = {"pdf": "PDF", "nifti": "NIfTI", "dicom_series": "DICOM series"}
    return written.get(kind, kind.replace("_", " "))


def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("orchestration.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        number=to_number,
        size=to_size,
        when=to_when,
        duration=to_duration,
        rate=to_rate,
        part=to_part,
        place=to_place,
        words=to_words,
        kind=to_kind,
    )
    return found


TEMPLATES = _environment()


def html(template: str, status: int = 200, **values: Any) -> Response:
    """A page as an answer."""
    text = TEMPLATES.get_template(template).render(**values)
    headers = {
        "Content-Security-Policy": CSP,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(text, status, headers)
