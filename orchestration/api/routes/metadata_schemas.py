"""Metadata schemas of collections: shown, changed key by key, and held against what is stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from fastapi.responses import PlainTextResponse

from orchestration.api.given import GivenAsker, GivenList, GivenProject, GivenSite, Name
from orchestration.api.router import GuardedRouter
from orchestration.services.metadata_schemas.changes import (
    ChangePreview,
    KeyMisfits,
    WantedChange,
)
from orchestration.services.metadata_schemas.shown import (
    SchemaStep,
    SchemaSummary,
    ShownSchema,
    list_schemas,
    print_schema,
    schema_history,
    show_schema,
)
from orchestration.services.paging import Page
from orchestration.services.questions.metadata_schema import APPLY, PREVIEW, VERIFY
from orchestration.services.site.collection_imports import schemas_of
from orchestration.services.site.noted import noted

router = GuardedRouter()
_OWN = "/projects/{project}/schemas/{name}"


@dataclass(frozen=True)
class KeyChange(WantedChange):
    """A change of one key, and the revision that it was decided upon."""

    revision: int | None = None
    """Refused when the schema has another one by now. Whichever there is when left out."""

    @property
    def change(self) -> dict[str, Any]:
        """The change alone, as a question takes it."""
        return {name: value for name, value in asdict(self).items() if name != "revision"}


@router.get("/projects/{project}/schemas", operation_id="schema.list")
def list_all(site: GivenSite, project: GivenProject, wanted: GivenList) -> Page[SchemaSummary]:
    """List the metadata schemas, and the collections that have taken an import by each."""
    records = schemas_of(site, project)
    return list_schemas(records, q=wanted.q, cursor=wanted.cursor, limit=wanted.limit)


@router.get(_OWN, operation_id="schema.show")
def show(site: GivenSite, project: GivenProject, name: Name) -> ShownSchema:
    """Show a schema: its keys, deleted ones too, and whether files declare them or commands made them."""
    return show_schema(schemas_of(site, project), name)


@router.get(f"{_OWN}/history", operation_id="schema.history")
def history(site: GivenSite, project: GivenProject, name: Name) -> list[SchemaStep]:
    """List the changes of a schema, newest first: who, when, what."""
    return schema_history(schemas_of(site, project), name)


@router.get(f"{_OWN}/print", operation_id="schema.print", response_class=PlainTextResponse)
def print_yaml(site: GivenSite, project: GivenProject, name: Name) -> PlainTextResponse:
    """Print a schema as YAML declares it, with the keys that commands made."""
    return PlainTextResponse(print_schema(schemas_of(site, project), name))


@router.get(f"{_OWN}/verify", operation_id="schema.verify")
async def verify(asker: GivenAsker, name: Name) -> list[KeyMisfits]:
    """Count the stored values that do not fit their key, by key and collection; none: all fit."""
    return await asker.ask(VERIFY, name=name)


@router.post(f"{_OWN}/preview", operation_id="schema.preview")
async def preview(asker: GivenAsker, name: Name, given: KeyChange) -> ChangePreview:
    """Say what a change would make of a key, and how many stored values no longer fit. Changes nothing."""
    return await asker.ask(PREVIEW, name=name, change=given.change)


@router.post(f"{_OWN}/changes", operation_id="schema.apply")
async def apply(site: GivenSite, asker: GivenAsker, name: Name, given: KeyChange) -> ShownSchema:
    """Change a key: add, give another type, add options, delete softly or for good, restore. Collections follow."""
    asking = asker.ask(APPLY, name=name, change=given.change, revision=given.revision)
    detail = f"{given.operation} {given.key}"
    return await noted(site, asker.actor, "schema.apply", f"schemas/{name}", asking, detail)
