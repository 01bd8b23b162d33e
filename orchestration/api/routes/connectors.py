"""Connectors: which there are, whether one answers, what stands in it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query

from orchestration.api.given import GivenAsker, GivenList, GivenProject
from orchestration.api.router import GuardedRouter
from orchestration.api.unsaved import Accept, GivenDefinition, told
from orchestration.services.asking.live import Live
from orchestration.services.connectors import (
    BROWSE_LIMIT,
    Browsed,
    ConnectorSummary,
    ConnectorTest,
    Described,
)
from orchestration.services.declared_list import connectors_of, find_connector
from orchestration.services.paging import Page, page_of_named
from orchestration.services.questions.connector import BROWSE, DESCRIBE, TEST, TRY

router = GuardedRouter()
Name = Annotated[str, Path(description="Name of the connector.")]
Place = Annotated[
    str,
    Query(max_length=4_000, description="A place, as an earlier list shows it; empty: the top."),
]


@router.get("/projects/{project}/connectors", operation_id="connector.list")
def list_all(project: GivenProject, wanted: GivenList) -> Page[ConnectorSummary]:
    """List the connectors that the project declares: where each leads, which variables it needs, who uses it.

    Connects to none. Values of variables are in no answer.
    """
    return page_of_named(
        connectors_of(project.snapshot), wanted.q, cursor=wanted.cursor, limit=wanted.limit
    )


@router.post(
    "/projects/{project}/connectors/try", operation_id="connector.try", response_model=ConnectorTest
)
async def try_unsaved(
    asker: GivenAsker, given: GivenDefinition, accept: Accept = "application/json"
) -> Any:
    """Test a connector that is not saved: as `connector.test`. Secrets are given as names of variables."""
    live = Live(asker, TRY, kind=given.type, attributes=given.attributes)
    return await told(live, accept)


@router.get("/projects/{project}/connectors/{name}", operation_id="connector.show")
def show(project: GivenProject, name: Name) -> ConnectorSummary:
    """Show a connector. Connects to nothing."""
    return find_connector(project.snapshot, name)


@router.post(
    "/projects/{project}/connectors/{name}/test",
    operation_id="connector.test",
    response_model=ConnectorTest,
)
async def check(asker: GivenAsker, name: Name, accept: Accept = "application/json") -> Any:
    """Test a connector step by step: name resolution, port, TLS, login, rights. The first step that fails is the last.

    The answer is 200 also when the other side refuses; `ok` says so.
    """
    return await told(Live(asker, TEST, name=name), accept)


@router.get("/projects/{project}/connectors/{name}/browse", operation_id="connector.browse")
async def browse(
    asker: GivenAsker,
    name: Name,
    path: Place = "",
    after: Annotated[
        str,
        Query(max_length=4_000, description="Path of the last entry of a list that was cut."),
    ] = "",
    limit: Annotated[int, Query(ge=1, le=BROWSE_LIMIT, description="Most entries.")] = 200,
) -> Browsed:
    """Show what stands directly below a place: folders and files, or databases, schemas and tables."""
    return await asker.ask(BROWSE, name=name, path=path, limit=limit, after=after)


@router.get("/projects/{project}/connectors/{name}/table", operation_id="connector.describe")
async def describe(
    asker: GivenAsker,
    name: Name,
    table: Annotated[
        str, Query(min_length=1, max_length=1_000, description="Path of a table or view.")
    ],
) -> Described:
    """Show the columns of a table and their types, as an import would bring them. Reads no row."""
    return await asker.ask(DESCRIBE, name=name, table=table)
