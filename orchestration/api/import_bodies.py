"""Bodies that make import tasks: JSON that names what is there already, or a form with files and one field of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from orchestration.services.import_tasks.asked import (
    TaskOrder,
    parse_task_order,
    schema_of_task_order,
)
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site
from orchestration.services.uploads.incoming import Incoming, IncomingUploads
from orchestration.services.uploads.receiving import FORM_FILES, receive_files
from resources.kernel.errors import InputError

_DATA = "data"
_JSON, _FORM = "application/json", "multipart/form-data"
_INTO = {"kind": "collection", "name": "library"}
_EXAMPLES: dict[str, Any] = {
    "pages": {
        "summary": "Web pages, started at once",
        "value": {
            "target": _INTO,
            "source": {"type": "web", "addresses": ["https://example.org/news"]},
            "start": True,
        },
    },
    "crawl": {
        "summary": "A site, not started yet",
        "value": {
            "name": "Handbook",
            "target": {**_INTO, "folder": "handbook"},
            "source": {
                "type": "web",
                "addresses": ["https://example.org/handbook/"],
                "crawl": {"depth": 2, "include": ["https://example.org/handbook/**"], "pages": 500},
            },
        },
    },
    "connector": {
        "summary": "Files of a bucket or a folder, a field filled from each path",
        "value": {
            "target": _INTO,
            "source": {"type": "connector", "connector": "lake", "path": "reports/**/*.pdf"},
            "options": {
                "output": "markdown",
                "fields": [{"key": "year", "source": "path", "pattern": "reports/(\\d{4})/"}],
            },
            "start": True,
        },
    },
    "uploads": {
        "summary": "Files that were uploaded before",
        "value": {
            "target": _INTO,
            "source": {"type": "upload", "uploads": ["0123456789abcdef0123456789abcdef"]},
        },
    },
}


def body_of_new_task() -> dict[str, Any]:
    """What the document says of these bodies."""
    schema = schema_of_task_order()
    form = {
        "type": "object",
        "properties": {
            "file": {
                "type": "array",
                "items": {"type": "string", "format": "binary"},
                "description": f"The files, at most {FORM_FILES:,}; more come by `upload.create`.",
            },
            _DATA: {
                "type": "string",
                "description": "The task as JSON, without `source`: the files are its source.",
            },
        },
        "required": ["file", _DATA],
    }
    content = {_JSON: {"schema": schema, "examples": _EXAMPLES}, _FORM: {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


@dataclass(frozen=True)
class GivenTask:
    """A task that a request asks for, and files that the request itself has brought."""

    wanted: TaskOrder
    brought: tuple[str, ...] = ()
    """Ids of uploads that nobody knows of but this request."""


async def read_new_task(request: Request, site: Site, project: Project, by: str) -> GivenTask:
    """What a request asks for; its files are on the disk by then.

    Args:
        request: with its body.
        site: where files are received.
        project: whom they are for.
        by: whose they are.

    Raises:
        InputError: no task.
        HTTPException: neither JSON nor a form; a file that is too large; a line that was cut.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _JSON:
        return GivenTask(parse_task_order(_parsed(await request.body())))
    if kind == _FORM:
        return await _read_form(request, site, project, by)
    raise HTTPException(415, f"send {_JSON}, or {_FORM} with files")


async def _read_form(request: Request, site: Site, project: Project, by: str) -> GivenTask:
    uploads = IncomingUploads(site.home)
    try:
        files, fields = await receive_files(
            uploads,
            request.headers.get("content-type", ""),
            request.stream(),
            by=by,
            project=project.name,
        )
    except ClientDisconnect:
        raise HTTPException(400, "the connection was cut: nothing was kept") from None
    except InputError as error:  # hangs up: the rest of an unwanted body would else be waited for
        status = 413 if "limit" in error.facts else 422
        raise HTTPException(status, str(error), {"Connection": "close"}) from error
    ids = tuple(one.upload_id for one in files)
    try:
        return GivenTask(_with_files(fields, files), ids)
    except InputError:
        throw_away(site, ids)
        raise


def throw_away(site: Site, ids: tuple[str, ...]) -> None:
    """Removes files that a refused request has brought."""
    for upload_id in ids:
        IncomingUploads(site.home).cancel(upload_id)


def _with_files(fields: dict[str, str], files: list[Incoming]) -> TaskOrder:
    if not files:
        raise InputError("there is no file in the form", hint="Send each as a part `file`")
    given = _parsed(fields.get(_DATA, "").encode())
    if not isinstance(given, dict) or "source" in given:
        raise InputError(
            f"the part `{_DATA}` is the task as JSON, without `source`: the files are its source",
            hint='{"target": {"kind": "collection", "name": "..."}}',
        )
    source = {"type": "upload", "uploads": [one.upload_id for one in files]}
    return parse_task_order({**given, "source": source})


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the task is no JSON: {error}", hint="Send one JSON object") from error
