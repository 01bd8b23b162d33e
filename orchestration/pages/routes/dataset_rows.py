"""What is in a dataset: a page of rows by filters in its address, what is in a column, one whole value.

The address is the state: the form of filters is a plain GET form, heads and pages are links. A condition is three
parameters that may be repeated, `c` the column, `o` the operator and `v` the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.values import shown, visible
from orchestration.pages.visit import Visit
from orchestration.services.asking.passing import as_file, open_stream
from orchestration.services.dataset_download import FORMATS
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.questions.rows import CELL, FACETS, FIND, CellHead
from orchestration.services.rows.conditions import CONDITIONS_LIMIT, Condition, Operator
from orchestration.services.rows.page import PAGE_LIMIT, RowsWanted
from orchestration.services.site.datasets import dataset_of, show_one
from orchestration.services.statuses import status_of
from resources.kernel.errors import InputError, NotFoundError

LIMITS = (20, 50, 100, 500)
COLUMNS_SHOWN = 100
"""Of a wide table, unless others are chosen."""
SHOWN_BYTES = 200_000
"""Of a whole value; the rest is in the download."""
VERSIONS_SHOWN = 50
_FILTERS = {"c", "o", "v", "q", "version"}


@dataclass(frozen=True)
class _Kept:
    """What the store says of a dataset before any row is read."""

    version: int
    rows: int
    schema: tuple[tuple[str, str], ...]
    versions: tuple[int, ...]


async def _rows(visit: Visit) -> Response:
    entry = _entry(visit)
    kept = await visit.run(_look, visit, entry)
    conditions = _conditions(visit)
    columns = _columns(visit, kept)
    values: dict[str, Any] = {
        "name": entry.name,
        "kept": kept,
        "conditions": conditions,
        "operators": list(Operator),
        "chosen": columns,
        "known": [name for name, _ in kept.schema],
        "limits": LIMITS,
        "is_filtered": bool(conditions or visit.query("q")),
        "shown": shown,
        "visible": visible,
        "is_number": _is_number,
        "facet_query": lambda column: _query(visit, _FILTERS, column=column),
        "cell_query": lambda version, row, column: urlencode(
            {"version": version, "row": row, "column": column}
        ),
    }
    try:
        found = await visit.ask(
            FIND, name=entry.name, wanted=asdict(_wanted(visit, kept, conditions, columns))
        )
    except InputError as error:  # of a filter: it stays in the form, to be corrected
        return await _render(
            visit, entry, status=status_of(error), found=None, error=error, **values
        )
    return await _render(visit, entry, found=found, error=None, **values)


async def _facets(visit: Visit) -> Response:
    entry, column = _entry(visit), visit.query("column")
    kept = await visit.run(_look, visit, entry)
    wanted = _wanted(visit, kept, _conditions(visit), ())
    found = await visit.ask(
        FACETS, name=entry.name, column=column, wanted=asdict(wanted), top=visit.number("top", 20)
    )
    rows = f"{_own(visit, entry)}/rows"
    links = [_with_value(visit, rows, column, frequent.value) for frequent in found.top]
    return await visit.render(
        "datasets/facets.html",
        name=entry.name,
        entry=entry,
        found=found,
        links=links,
        rows=rows,
        own=_own(visit, entry),
        shown=shown,
        visible=visible,
    )


async def _cell(visit: Visit) -> Response:
    entry = _entry(visit)
    place = {
        "version": visit.number("version", 0),
        "row": visit.number("row", 0),
        "column": visit.query("column"),
    }
    async with visit.asker().stream(CELL, CellHead, name=entry.name, **place) as stream:
        head, data = stream.head, b""
        async for chunk in stream.chunks:
            data += chunk
            if len(data) > SHOWN_BYTES:
                break
    data = data[:SHOWN_BYTES]
    text = data.hex(" ") if head.form == "bytes" else data.decode("utf-8", "ignore")
    return await visit.render(
        "datasets/cell.html",
        name=entry.name,
        entry=entry,
        head=head,
        text=visible(text),
        visible=visible,
        own=_own(visit, entry),
        is_cut=head.size_bytes > SHOWN_BYTES,
        download=f"{_own(visit, entry)}/cell/download?{urlencode(place)}",
    )


async def _download_cell(visit: Visit) -> Response:
    entry = _entry(visit)
    opening = visit.asker().stream(
        CELL,
        CellHead,
        name=entry.name,
        version=visit.number("version", 0),
        row=visit.number("row", 0),
        column=visit.query("column"),
    )
    head, chunks = await open_stream(opening)
    return as_file(chunks, head.file_name)


def _entry(visit: Visit) -> DatasetEntry:
    return dataset_of(visit.project, visit.request.path_params["name"])


def _own(visit: Visit, entry: DatasetEntry) -> str:
    """Where the dataset's pages begin."""
    return f"{visit.base}/datasets/{quote(entry.name.replace('/', '~'), safe='~')}"


async def _render(visit: Visit, entry: DatasetEntry, **values: Any) -> Response:
    """The page of rows, among the other tabs of the dataset."""
    found = await visit.run(show_one, visit.site, visit.project, entry.name)
    return await visit.render(
        "datasets/rows.html",
        dataset=found,
        entry=entry,
        own=_own(visit, entry),
        formats=FORMATS,
        **values,
    )


def _look(visit: Visit, entry: DatasetEntry) -> _Kept:
    """Which versions there are, and the columns of the one that is asked for."""
    item = visit.site.store(visit.project).item(entry.key)
    asked = visit.number("version", 0)
    found = item.version(asked) if asked else item.latest()
    if found is None:
        raise NotFoundError(
            f"dataset {entry.name!r} has no version yet", hint="Refresh it; then its rows are here"
        )
    newest = tuple(reversed(item.numbers()[-VERSIONS_SHOWN:]))
    return _Kept(found.number, found.rows or 0, found.schema, newest)


def _conditions(visit: Visit) -> tuple[Condition, ...]:
    """The filters that are filled in."""
    columns, operators, values = visit.queries("c"), visit.queries("o"), visit.queries("v")
    found = []
    for place, column in enumerate(columns[:CONDITIONS_LIMIT]):
        operator = operators[place] if place < len(operators) else Operator.EQUAL
        value = values[place] if place < len(values) else ""
        if column and operator in set(Operator):
            found.append(Condition(column, Operator(operator), value))
    return tuple(found)


def _columns(visit: Visit, kept: _Kept) -> tuple[str, ...]:
    """The columns that are chosen; of a wide table the first, of another one all."""
    names = [name for name, _ in kept.schema]
    known = set(names)
    chosen = tuple(name for name in visit.queries("col") if name in known)
    return chosen or tuple(names[:COLUMNS_SHOWN])


def _wanted(
    visit: Visit, kept: _Kept, conditions: tuple[Condition, ...], columns: Sequence[str]
) -> RowsWanted:
    sort = visit.query("sort")
    is_plain = sort in {name for name, _ in kept.schema}  # also of a name that begins with a hyphen
    return RowsWanted(
        conditions=conditions,
        search=visit.query("q"),
        sort=sort if is_plain else sort.removeprefix("-"),
        descending=sort.startswith("-") and not is_plain,
        columns=tuple(columns),
        offset=visit.number("offset", 0),
        limit=min(max(visit.number("limit", 50), 1), PAGE_LIMIT),
        version=kept.version,
    )


def _is_number(kind: str) -> bool:
    """Whether values of a type stand at the right of their column."""
    return kind.startswith(("int", "uint", "float", "double", "halffloat", "decimal"))


def _query(visit: Visit, kept: set[str], **own: str) -> str:
    """Some parameters of the address, and others."""
    pairs = [pair for pair in visit.request.query_params.multi_items() if pair[0] in kept]
    return urlencode([*pairs, *own.items()])


def _with_value(visit: Visit, base: str, column: str, value: object) -> str | None:
    """The rows with this value beside the filters that there are; None where it is not whole or no text of it is one."""
    if not isinstance(value, (str, int, float, bool)) or str(value).endswith("…"):
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{base}?{_query(visit, _FILTERS, c=column, o='=', v=text)}"


ROUTES = [
    page("dataset.rows", "/datasets/{name}/rows", _rows),
    page("dataset.facets", "/datasets/{name}/facets", _facets),
    page("dataset.cell", "/datasets/{name}/cell", _cell),
    page("dataset.cell", "/datasets/{name}/cell/download", _download_cell),
]
