"""The profile of a version as one HTML file: nothing outside of it is needed, no script runs, and it stays small.

Everything from data is escaped by the templates. Columns are told whole as long as there is room for them; what is left out
is said in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestration.services.hidden_characters import spelled
from orchestration.services.profiles import bars, charts, listing, matrix, wording
from resources.profiles.record import Profile
from resources.stores.ui_metadata import human_size

LINES_BYTES = 1_200_000
"""Of the table of columns."""
DETAIL_BYTES = 2_800_000
"""Of what is told of each column."""
PAIRS = 100
GAPS = 50


def render_report(profile: Profile, title: str = "") -> str:
    """The report of a version, below 5 MB.

    Args:
        profile: of the version.
        title: what people call the table; its name by default.
    """
    template = _environment().get_template("report.html")
    part = template.make_module({"profile": profile})
    lines = list(_while_room((part.line(one) for one in profile.columns), LINES_BYTES))  # type: ignore[attr-defined]
    details = list(_while_room((part.detail(one) for one in profile.columns), DETAIL_BYTES))  # type: ignore[attr-defined]
    return template.render(
        profile=profile,
        title=title or profile.of.key[-1],
        lines=lines,
        details=details,
        matrix=matrix.matrix_of(profile),
        pairs=matrix.chosen(profile)[:PAIRS],
        gaps=sorted((c for c in profile.columns if c.missing), key=lambda c: -c.missing)[:GAPS],
    )


def _while_room(parts: Iterable[Markup], most: int) -> Iterator[Markup]:
    used = 0
    for part in parts:
        used += len(part.encode(errors="replace"))
        if used > most:
            return
        yield part


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("orchestration.services.profiles", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(number=wording.count, size=human_size, spelled=spelled)
    found.globals.update(
        bars=bars, charts=charts, level=matrix.level, listing=listing, words=wording
    )
    return found
