"""A dataset analysed: the profile of a version in general, its columns, associations, a sample, and two versions side by side.

The address is the state: which version, which filter, which order. Without a script every part is a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.values import shown, visible
from orchestration.pages.visit import Visit
from orchestration.services.dataset_download import FORMATS
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.profiles import bars, charts, listing, matrix, wording
from orchestration.services.profiles.found import Analysis, find_analysis
from orchestration.services.profiles.report import render_report
from orchestration.services.questions.dataset_profile import COMPUTE_PROFILE
from orchestration.services.rows.conditions import Condition
from orchestration.services.site.datasets import dataset_of, profile_of, show_one, title_of
from orchestration.services.site.noted import noted
from resources.kernel.errors import NotFoundError
from resources.profiles.record import ColumnProfile, Profile

CARDS = 48
"""Small distributions of the first page, and of each further part of it."""
PAIRS = 20
"""Associations that the first page lists."""
PAIRS_A_PAGE = 200


@dataclass(frozen=True)
class _Addresses:
    """Where the parts of the analysis of one dataset are, and the rows that its figures are of."""

    visit: Visit
    entry: DatasetEntry

    @cached_property
    def own(self) -> str:
        """Where the dataset's pages begin."""
        return f"{self.visit.base}/datasets/{quote(self.entry.name.replace('/', '~'), safe='~')}"

    @cached_property
    def kept(self) -> list[tuple[str, str]]:
        """What stays the same from part to part: which versions are looked at."""
        given = [(name, self.visit.number(name, 0)) for name in ("version", "beside")]
        return [(name, str(number)) for name, number in given if number]

    def part(self, path: str = "", **own: object) -> str:
        """A part of the analysis."""
        query = urlencode([*self.kept, *((name, str(value)) for name, value in own.items())])
        return f"{self.own}/analysis{path}{'?' if query else ''}{query}"

    def column(self, name: str) -> str:
        """One column."""
        return self.part("/column", column=name)

    def rows(self, conditions: tuple[Condition, ...], version: int) -> str:
        """The rows that meet conditions; empty where there are none to ask by."""
        if not conditions:
            return ""
        asked = [
            pair
            for one in conditions
            for pair in (("c", one.column), ("o", one.operator.value), ("v", one.value))
        ]
        return f"{self.own}/rows?{urlencode([*asked, ('version', str(version))])}"

    def bars(self, profile: Profile) -> charts.Address:
        """Where the rows of each bar of a chart are."""
        return lambda bar: self.rows(bar.conditions, profile.of.version)


async def _general(visit: Visit) -> Response:
    entry = _entry(visit)
    if visit.is_fragment and visit.query("from"):
        return await _more_cards(visit, entry)
    found = await visit.run(_look, visit, entry)
    if found.profile is None:
        return await _render(visit, entry, found, "general.html", beside=None)
    beside = await visit.run(_beside, visit, entry)
    parts = await visit.run(_parts_of, found.profile, beside)
    return await _render(visit, entry, found, "general.html", beside=beside, **parts)


def _parts_of(profile: Profile, beside: Profile | None) -> dict[str, Any]:
    pairs = matrix.chosen(profile)
    gaps = sorted((c for c in profile.columns if c.missing), key=lambda c: -c.missing)
    return {
        "cards": profile.columns[:CARDS],
        "next_card": CARDS if len(profile.columns) > CARDS else 0,
        "matrix": matrix.matrix_of(profile, pairs=pairs),
        "pairs": pairs[:PAIRS],
        "pair_count": len(pairs),
        "gaps": gaps,
        "compared": listing.compare_columns(profile, beside) if beside else [],
    }


async def _more_cards(visit: Visit, entry: DatasetEntry) -> Response:
    found = await visit.run(_look, visit, entry)
    start = visit.number("from", 0)
    columns = found.profile.columns if found.profile else ()
    return await visit.render(
        "analysis/cards.html",
        cards=columns[start : start + CARDS],
        next_card=start + CARDS if len(columns) > start + CARDS else 0,
        profile=found.profile,
        **_ways(visit, entry),
    )


async def _columns(visit: Visit) -> Response:
    entry = _entry(visit)
    found = await visit.run(_look, visit, entry)
    wanted = listing.ColumnsWanted(
        kind=visit.query("kind"),
        warning=visit.query("warning"),
        search=visit.query("q"),
        sort=visit.query("sort", "position"),
        cursor=visit.query("cursor"),
    )
    listed = None if found.profile is None else listing.list_columns(found.profile, wanted)
    beside = await visit.run(_beside, visit, entry)
    return await _render(
        visit, entry, found, "columns.html", wanted=wanted, page=listed, beside=beside
    )


async def _column(visit: Visit) -> Response:
    entry, name = _entry(visit), visit.query("column")
    found = await visit.run(_look, visit, entry)
    if found.profile is None:
        return await _render(visit, entry, found, "column.html", beside=None)
    column = _column_of(found.profile, name)
    beside = await visit.run(_beside, visit, entry)
    other = beside.column(name) if beside else None
    around = found.profile.columns
    place = around.index(column)
    return await _render(
        visit,
        entry,
        found,
        "column.html",
        beside=beside,
        column=column,
        other=other,
        previous=around[place - 1] if place else None,
        following=around[place + 1] if place + 1 < len(around) else None,
        pairs=matrix.of_column(found.profile, name)[:PAIRS],
    )


def _column_of(profile: Profile, name: str) -> ColumnProfile:
    column = profile.column(name)
    if column is None:
        raise NotFoundError(
            f"Version {profile.of.version} has no column {name[:100]!r}",
            hint="The list of columns has all names as they are",
        )
    return column


async def _associations(visit: Visit) -> Response:
    entry = _entry(visit)
    found = await visit.run(_look, visit, entry)
    if found.profile is None:
        return await _render(visit, entry, found, "associations.html", beside=None)
    parts = await visit.run(_associated, visit, found.profile)
    return await _render(visit, entry, found, "associations.html", **parts, beside=None)


def _associated(visit: Visit, profile: Profile) -> dict[str, Any]:
    """The matrix and the list in the order wanted, of the method wanted, and the pair that was clicked."""
    methods = [matrix.MIXED, *matrix.methods_of(profile)]
    given = visit.query("method", matrix.MIXED)
    method = given if given in methods else matrix.MIXED
    order = visit.query("order", "together")
    search = visit.query("q").casefold()
    pairs = [
        one
        for one in matrix.chosen(profile, method)
        if search in one.a.casefold() or search in one.b.casefold()
    ]
    start, columns = visit.number("offset", 0), profile.columns
    places = [visit.number(name, len(columns)) for name in ("a", "b")]
    clicked = [columns[place].name for place in places if place < len(columns)]
    return {
        "methods": methods,
        "method": method,
        "order": order,
        "matrix": matrix.matrix_of(profile, method, order, visit.query("by")),
        "pairs": pairs[start : start + PAIRS_A_PAGE],
        "pair_count": len(pairs),
        "offset": start,
        "limit": PAIRS_A_PAGE,
        "clicked": clicked if len(clicked) == 2 else [],
        "between": matrix.between(profile, *clicked) if len(clicked) == 2 else [],
    }


async def _sample(visit: Visit) -> Response:
    entry = _entry(visit)
    found = await visit.run(_look, visit, entry)
    return await _render(visit, entry, found, "sample.html", beside=None)


async def _report(visit: Visit) -> Response:
    entry = _entry(visit)
    found = await visit.run(_look, visit, entry)
    if found.profile is None:
        raise NotFoundError(
            f"There is no profile of version {found.version} of dataset {entry.name!r}",
            hint="Its analysis page says why",
        )
    title = await visit.run(title_of, entry)
    text = await visit.run(render_report, found.profile, title.title if title else "")
    name = f"{entry.name.replace('/', '-')}-v{found.profile.of.version}-profile.html"
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(text, media_type="text/html", headers=headers)


async def _compute(visit: Visit) -> Response:
    entry, form = _entry(visit), await visit.form()
    given = str(form.get("version", ""))
    version = int(given) if given.isascii() and given.isdigit() and len(given) < 12 else 0
    asking = visit.ask(COMPUTE_PROFILE, name=entry.name, version=version)
    subject = f"datasets/{entry.name}"
    await noted(visit.site, visit.actor, "dataset.compute-profile", subject, asking)
    own = f"/datasets/{quote(entry.name.replace('/', '~'), safe='~')}/analysis"
    return visit.redirect(f"{own}?version={version}" if version else own)


def _entry(visit: Visit) -> DatasetEntry:
    return dataset_of(visit.project, visit.request.path_params["name"])


def _look(visit: Visit, entry: DatasetEntry) -> Analysis:
    version = visit.number("version", 0) or None
    asked = profile_of(visit.site, visit.project, entry, version)
    store = visit.site.store(visit.project)
    return find_analysis(store, entry.key, asked, is_newest=version is None)


def _beside(visit: Visit, entry: DatasetEntry) -> Profile | None:
    """The profile of the other version.

    Raises:
        NotFoundError: it has none.
    """
    version = visit.number("beside", 0)
    if not version:
        return None
    asked = profile_of(visit.site, visit.project, entry, version)
    if asked.profile is None:
        raise NotFoundError(
            f"There is no profile of version {version} of {entry.name}",
            hint=f"Have it analysed: waybill dataset profile {entry.name} --version {version} --compute",
        )
    return asked.profile


async def _render(
    visit: Visit, entry: DatasetEntry, found: Analysis, template: str, **values: Any
) -> Response:
    """A part of the analysis, among the other tabs of the dataset; where there is no profile, what became of it."""
    return await visit.render(
        f"analysis/{template if found.profile else 'none.html'}",
        dataset=await visit.run(show_one, visit.site, visit.project, entry.name),
        entry=entry,
        formats=FORMATS,
        found=found,
        profile=found.profile,
        **_ways(visit, entry),
        **values,
    )


def _ways(visit: Visit, entry: DatasetEntry) -> dict[str, Any]:
    """What templates show figures with, and where their links lead."""
    to = _Addresses(visit, entry)
    return {
        "own": to.own,
        "to": to,
        "bars": bars,
        "charts": charts,
        "listing": listing,
        "level": matrix.level,
        "words": wording,
        "shown": shown,
        "visible": visible,
    }


ONE = "/datasets/{name}/analysis"
ROUTES = [
    page("dataset.profile", ONE, _general),
    page("dataset.profile", f"{ONE}/columns", _columns),
    page("dataset.profile", f"{ONE}/column", _column),
    page("dataset.profile", f"{ONE}/associations", _associations),
    page("dataset.profile", f"{ONE}/sample", _sample),
    page("dataset.profile", f"{ONE}/report", _report),
    page("dataset.compute-profile", f"{ONE}/compute", _compute, methods=["POST"]),
]
