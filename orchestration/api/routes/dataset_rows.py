"""What is in a dataset: rows of any version, what is in a column, one whole value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import Depends, Path, Query
from fastapi.responses import Response

from orchestration.api.given import GivenAsker
from orchestration.api.router import GuardedRouter
from orchestration.services.asking.passing import as_file, open_stream
from orchestration.services.questions.rows import CELL, FACETS, FIND, CellHead
from orchestration.services.rows.cells import CUT_AT
from orchestration.services.rows.conditions import CONDITIONS_LIMIT, TEXT_LIMIT
from orchestration.services.rows.facets import TOP_LIMIT, Facets
from orchestration.services.rows.page import PAGE_LIMIT, RowsPage, RowsWanted

router = GuardedRouter()
_MOST = 2**53

DatasetName = Annotated[str, Path(description="Name of the dataset.")]
Version = Annotated[
    int | None, Query(ge=1, le=_MOST, description="Of the dataset; the newest by default.")
]


@dataclass(frozen=True)
class SearchQuery:
    """Which rows are meant."""

    where: Annotated[
        tuple[str, ...],
        Query(
            max_length=CONDITIONS_LIMIT,
            description="A condition, `hour >= 5`; may be repeated, all must hold. Operators: `=`, `!=`, `<`, `<=`, `>`, `>=`,"
            " `contains`, `starts with`, `in`, `is null`, `is not null`.",
        ),
    ] = ()
    q: Annotated[
        str, Query(max_length=TEXT_LIMIT, description="Rows with this in any text, in any case.")
    ] = ""
    version: Version = None


@dataclass(frozen=True)
class PageQuery:
    """Which of those rows, and how much of them."""

    sort: Annotated[
        str,
        Query(description="Column to sort by, `-` before it for the largest first; nulls last."),
    ] = ""
    columns: Annotated[
        tuple[str, ...], Query(description="Only these, in this order; may be repeated.")
    ] = ()
    offset: Annotated[int, Query(ge=0, le=_MOST, description="Rows before the page.")] = 0
    limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT, description="Most rows of the page.")] = 50
    cut_at: Annotated[int, Query(ge=1, le=_MOST, description="Most characters of a value.")] = (
        CUT_AT
    )


GivenSearch = Annotated[SearchQuery, Depends()]


@router.get("/projects/{project}/datasets/{name}/rows", operation_id="dataset.rows")
async def find(
    asker: GivenAsker, name: DatasetName, search: GivenSearch, page: Annotated[PageQuery, Depends()]
) -> RowsPage:
    """Rows of a version, from anywhere in it, filtered, searched, sorted. Values are exact: what JSON has no form for is text."""
    wanted = RowsWanted(
        where=search.where,
        search=search.q,
        version=search.version,
        sort=page.sort.removeprefix("-"),
        descending=page.sort.startswith("-"),
        columns=page.columns,
        offset=page.offset,
        limit=page.limit,
        cut_at=page.cut_at,
    )
    return await asker.ask(FIND, name=name, wanted=asdict(wanted))


@router.get("/projects/{project}/datasets/{name}/facets", operation_id="dataset.facets")
async def show_facets(
    asker: GivenAsker,
    name: DatasetName,
    column: Annotated[str, Query(description="Name of the column.")],
    search: GivenSearch,
    top: Annotated[int, Query(ge=1, le=TOP_LIMIT, description="Most values listed.")] = 10,
) -> Facets:
    """What is in a column among the rows that are meant: smallest, largest, nulls, the most frequent values."""
    wanted = RowsWanted(where=search.where, search=search.q, version=search.version)
    return await asker.ask(FACETS, name=name, column=column, wanted=asdict(wanted), top=top)


@router.get(
    "/projects/{project}/datasets/{name}/cell",
    operation_id="dataset.cell",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The value"},
        204: {"description": "The value is null"},
    },
)
async def read_cell(
    asker: GivenAsker,
    name: DatasetName,
    version: Annotated[int, Query(ge=1, le=_MOST, description="Of the dataset.")],
    row: Annotated[int, Query(ge=1, le=_MOST, description="Number of the row in it, from 1.")],
    column: Annotated[str, Query(description="Name of the column.")],
) -> Response:
    """One whole value, however long: a text in UTF-8, the bytes of a binary one, JSON of a nested one; always as a download."""
    head, chunks = await open_stream(
        asker.stream(CELL, CellHead, name=name, version=version, row=row, column=column)
    )
    if head.form == "null":
        async for _ in chunks:
            pass
        return Response(status_code=204)
    # Never as what a browser would show: a value may be a page that a stranger wrote.
    return as_file(chunks, head.file_name, headers={"Content-Length": str(head.size_bytes)})
