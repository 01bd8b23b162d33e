"""Collections filled: specifications made, checked and imported; imports followed, gone on with, stopped, and what failed in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Depends, Path, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from orchestration.api.answers import Started, started
from orchestration.api.given import (
    Cursor,
    GivenActor,
    GivenAsker,
    GivenProject,
    GivenSite,
    IdempotencyKey,
    Limit,
    Name,
)
from orchestration.api.router import GuardedRouter
from orchestration.services.access.audit import audited
from orchestration.services.asking.passing import as_csv
from orchestration.services.asking.passing import download as download_of
from orchestration.services.collections.checks import SpecificationCheck
from orchestration.services.collections.import_runs import ResumeChoice, StartedImport
from orchestration.services.collections.imports import (
    CollectionImport,
    Failure,
    failures_csv,
    list_failures,
    list_imports,
    show_import,
    stop_import,
)
from orchestration.services.collections.making import KeptListing
from orchestration.services.collections.specifications import (
    KeptSpecification,
    keep_received,
    receive,
)
from orchestration.services.paging import LIMIT, Page
from orchestration.services.questions import collection_imports as questions
from orchestration.services.questions.collection_imports import SentSpecification
from orchestration.services.site.collection_imports import imports_of
from orchestration.services.site.noted import noted
from resources.kernel.errors import InputError

router = GuardedRouter()
ImportId = Annotated[int, Path(ge=0, lt=2**31, description="Number of the import.")]
_BODY = {
    "requestBody": {
        "description": "The specification as it is; none when `upload` or `object_key` names one.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_OWN = "/projects/{project}/collections/{name}"


@dataclass(frozen=True)
class SpecificationQuery:
    """A specification, and where its items go."""

    file_name: Annotated[
        str,
        Query(
            description="Its name: the ending, .json or .csv, decides the format.", max_length=300
        ),
    ] = ""
    upload: Annotated[
        str,
        Query(
            description="Id of a file that `upload.create` has received, or the SHA-256 that a check has told;"
            " else the body is the file.",
            max_length=64,
        ),
    ] = ""
    connector: Annotated[
        str, Query(description="Or the connector of the collection where it lies.", max_length=200)
    ] = ""
    object_key: Annotated[str, Query(description="Its key there.", max_length=1024)] = ""
    folder: Annotated[
        str | None,
        Query(
            description="Where items go, such as site/north; where the collection says by default."
        ),
    ] = None


@dataclass(frozen=True)
class ListingToSpecify:
    """What a specification is to be made of, and how."""

    path: str
    """A key or a glob there: `clips/**/*.mp4`."""
    section: str = ""
    """What all objects are: `images`, `dicom_series` ...; told by their extensions when empty."""
    include: tuple[str, ...] = ()
    """Globs of keys: objects that fit one of them alone; all when empty."""
    exclude: tuple[str, ...] = ()
    """Globs of keys: objects that fit one of them are left out."""
    group_by: str = ""
    """`folder`, or a pattern whose first group names the image group or series; images stay single when empty."""
    sequence: bool = False
    """Whether image groups are image sequences."""
    probe: bool = False
    """Whether each object is looked at, and its media metadata written down."""
    format: Literal["json", "csv"] = "json"
    skip_duplicates: bool = False
    most_items: int = 500_000
    """Most items of a file; further files are made."""


@dataclass(frozen=True)
class ImportStarted(Started):
    """An import that a run works on."""

    import_id: int = 0
    progress: str = ""
    """Where it is told how far the import is."""


async def _specification(
    request: Request,
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    name: Name,
    given: Annotated[SpecificationQuery, Depends()],
) -> SentSpecification:
    """The specification that is meant, kept: a received file, an object of a connector, or the body."""
    imports_of(site, project).check_collection(name)
    if given.object_key:
        kept = await asker.ask(
            questions.KEEP, name=name, connector=given.connector, object_key=given.object_key
        )
        return _sent(kept, given)
    if given.upload:
        kept = await run_in_threadpool(
            keep_received, site.home, project.name, given.upload, given.file_name
        )
        return _sent(kept, given)
    length = request.headers.get("content-length", "")
    try:
        kept = await receive(
            site.home,
            project.name,
            asker.actor.name,
            given.file_name,
            request.stream(),
            size_bytes=int(length) if length.isdigit() else None,
        )
    except ClientDisconnect:
        raise HTTPException(400, "the connection was cut: nothing was kept") from None
    except (
        InputError
    ) as error:  # hangs up as well: the rest of an unwanted body would else be waited for
        status = 413 if "limit" in error.facts else 422
        raise HTTPException(status, str(error), {"Connection": "close"}) from error
    return _sent(kept, given)


def _sent(kept: KeptSpecification, given: SpecificationQuery) -> SentSpecification:
    return SentSpecification(kept.sha256, kept.file_name, given.folder)


GivenSpecification = Annotated[SentSpecification, Depends(_specification)]


@router.post(
    "/projects/{project}/connectors/{name}/specification",
    operation_id="collection.make-spec",
    response_model=KeptListing,
)
async def make_spec(
    asker: GivenAsker,
    name: Name,
    given: ListingToSpecify,
    number: Annotated[
        int, Query(ge=0, lt=2**31, description="The bytes of this file instead, from 1 on.")
    ] = 0,
) -> KeptListing | StreamingResponse:
    """Make specifications of what lies in a connector, and keep them for a check or an import. The same listing gives the same bytes."""
    choice = {"connector": name, **asdict(given)}
    if number:
        return await download_of(asker, questions.MAKE_FILE, choice=choice, number=number)
    return await asker.ask(questions.MAKE, choice=choice)


@router.post(
    f"{_OWN}/check",
    operation_id="collection.check-spec",
    response_model=SpecificationCheck,
    openapi_extra=_BODY,
)
async def check_spec(
    asker: GivenAsker,
    name: Name,
    given: GivenSpecification,
    after: Annotated[int, Query(ge=0, lt=2**31, description="Problems behind this many.")] = 0,
    limit: Limit = LIMIT,
    report: Annotated[
        Literal["", "csv"], Query(description="Every problem as a file instead.")
    ] = "",
) -> SpecificationCheck | StreamingResponse:
    """Check a specification whole: what an import would create, skip and update, or everything that is wrong.

    Creates nothing, and keeps the file for `collection.import`: its SHA-256 is `upload` of the answer.
    """
    if report:
        return await download_of(asker, questions.PROBLEMS, name=name, sent=asdict(given))
    return await asker.ask(questions.CHECK, name=name, sent=asdict(given), after=after, limit=limit)


@router.post(
    f"{_OWN}/imports", operation_id="collection.import", status_code=202, openapi_extra=_BODY
)
async def take(
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    name: Name,
    given: GivenSpecification,
    ignore_errors: Annotated[bool, Query(description="Go on when an item fails.")] = False,
    key: IdempotencyKey = None,
) -> ImportStarted:
    """Import a specification as a run: the body, a file that was received or checked before, or an object of a connector."""
    asking = asker.ask(
        questions.START,
        name=name,
        sent=asdict(given),
        ignore_errors=ignore_errors,
        key=key or "",
    )
    subject = f"collections/{name}"
    found = await noted(site, asker.actor, "collection.import", subject, asking, given.file_name)
    return _started(project.name, name, found)


@router.get(f"{_OWN}/imports", operation_id="collection.imports")
def imports(
    site: GivenSite,
    project: GivenProject,
    name: Name,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> Page[CollectionImport]:
    """List the imports of a collection, newest first: who, when, what each did, how far it is."""
    return list_imports(imports_of(site, project), name, limit=limit, cursor=cursor)


@router.get(f"{_OWN}/imports/{{import_id}}", operation_id="collection.progress")
def progress(
    site: GivenSite, project: GivenProject, name: Name, import_id: ImportId
) -> CollectionImport:
    """Show an import: what it did, counts by state, its run, and what can be done about it."""
    return show_import(imports_of(site, project), import_id, name)


@router.get(
    f"{_OWN}/imports/{{import_id}}/failures",
    operation_id="collection.failures",
    response_model=Page[Failure],
)
def failures(
    site: GivenSite,
    project: GivenProject,
    name: Name,
    import_id: ImportId,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
    format: Annotated[  # noqa: A002 - the parameter's name
        Literal["json", "csv"], Query(description="`csv`: all of them as a file, one row a file.")
    ] = "json",
) -> Page[Failure] | StreamingResponse:
    """List what failed in an import and was not mended since; also while it is at work."""
    records = imports_of(site, project)
    records.find(import_id, name)
    if format == "csv":
        file_name = f"{name}-import-{import_id}-failures.csv"
        return as_csv(failures_csv(records, import_id), file_name)
    return list_failures(records, import_id, limit=limit, cursor=cursor)


@dataclass(frozen=True)
class ImportAgain:
    """An import that a new run goes on with."""

    site: GivenSite
    project: GivenProject
    asker: GivenAsker
    name: Name
    import_id: ImportId
    ignore_errors: Annotated[bool, Query(description="Go on when an item fails.")] = False
    key: IdempotencyKey = None

    async def start(self, use_case: str, *, retry_failed: bool = False) -> ImportStarted:
        """Asks for the run."""
        choice = ResumeChoice(retry_failed=retry_failed, ignore_errors=self.ignore_errors)
        asking = self.asker.ask(
            questions.RESUME,
            import_id=self.import_id,
            name=self.name,
            choice=asdict(choice),
            key=self.key or "",
        )
        noting = (f"collections/{self.name}", asking, f"import {self.import_id}")
        found = await noted(self.site, self.asker.actor, use_case, *noting)
        return _started(self.project.name, self.name, found)


@router.post(
    f"{_OWN}/imports/{{import_id}}/resume", operation_id="collection.resume", status_code=202
)
async def resume(wanted: Annotated[ImportAgain, Depends()]) -> ImportStarted:
    """Go on with what an import did not do, as a new run: it was stopped, killed, or ended at an item that failed."""
    return await wanted.start("collection.resume")


@router.post(
    f"{_OWN}/imports/{{import_id}}/retry", operation_id="collection.retry", status_code=202
)
async def retry(wanted: Annotated[ImportAgain, Depends()]) -> ImportStarted:
    """Look at the items of an import that failed once more, and at what is still pending, as a new run."""
    return await wanted.start("collection.retry", retry_failed=True)


@router.post(f"{_OWN}/imports/{{import_id}}/stop", operation_id="collection.stop")
def stop(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    import_id: ImportId,
) -> CollectionImport:
    """Stop the run of an import. What it did stays; `collection.resume` goes on with what is pending."""
    subject = f"collections/{name}"
    with audited(site.catalog, actor, "collection.stop", subject) as change:
        change.detail = f"import {import_id}"
        return stop_import(imports_of(site, project), import_id, name)


def _started(project: str, name: str, found: StartedImport) -> ImportStarted:
    run = started(project, found.run_id)
    own = f"/api/v1/projects/{quote(project, safe='')}/collections/{quote(name, safe='')}"
    return ImportStarted(
        **asdict(run),
        import_id=found.import_id,
        progress=f"{own}/imports/{found.import_id}",
    )
