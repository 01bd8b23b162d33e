"""Questions about files that were received: a look at them, keeping them, and the run that imports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.services.access.audit import audited
from orchestration.services.asking.question import Desk, Question
from orchestration.services.datasources import DatasourceTest
from orchestration.services.runs.launch import start_import
from orchestration.services.runs.start import Asked
from orchestration.services.uploads.declaring import declaration, image_folder_declaration
from orchestration.services.uploads.images import bring_in_images, is_declared
from orchestration.services.uploads.importing import (
    UploadOrder,
    bring_in,
    check_settings,
    declared_settings,
)
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.previews import preview_upload
from orchestration.services.uploads.settings import UploadSettings
from resources.kernel.errors import ConfigError, NotFoundError
from resources.project import find_project
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.kept_uploads import GivenFile

KEEP_SECONDS = 6 * 3600.0
"""A file of 5 GB on its way to a bucket takes hours over a slow line."""


@dataclass(frozen=True)
class UploadPreview:
    """A look at received files."""

    test: DatasourceTest
    declared: UploadSettings | None
    """How the dataset reads its files; None of one that is not declared yet."""
    refusal: str = ""
    """Why the files cannot be imported under this name, or with these settings."""


def _given(desk: Desk, upload_ids: Sequence[str]) -> list[GivenFile]:
    incoming = IncomingUploads(desk.home)
    found = []
    for upload_id in upload_ids:
        state, path = incoming.received(upload_id)
        if state.project not in ("", desk.project):
            raise NotFoundError(f"there is no upload {upload_id[:40]!r} in this project")
        found.append(
            GivenFile(state.filename, path, may_link=True, sha256=state.sha256, stamp=state.stamp)
        )
    return found


def _preview(
    desk: Desk,
    upload_ids: Sequence[str],
    name: str,
    settings: Mapping[str, Any] | None,
    rows: int,
) -> UploadPreview:
    declared, refusal = None, ""
    given = UploadSettings(**settings) if settings else UploadSettings()
    if name:
        try:
            declared = declared_settings(desk.location, name)
            if declared is not None:
                check_settings(name, given, declared)
        except ConfigError as error:
            refusal = str(error)
    wanted = given if given.given or declared is None else declared
    return UploadPreview(
        preview_upload(_given(desk, upload_ids), wanted, rows=rows, name=name), declared, refusal
    )


def _keep_images(desk: Desk, upload_ids: Sequence[str], name: str, upload_id: str) -> int:
    order = UploadOrder(name, _given(desk, upload_ids), desk.actor.name, upload_id=upload_id)
    subject = f"datasets/{name}"
    with audited(CatalogDatabase.open(), desk.actor, "image-folder.upload", subject) as noted:
        noted.detail = ", ".join(file.name for file in order.files[:20])
        declared = is_declared(desk.location, name)
        kept = bring_in_images(desk.store, find_project(), order, declared=declared)
        noted.after = None if declared else image_folder_declaration(name)
    return kept.number


def _keep(
    desk: Desk, upload_ids: Sequence[str], name: str, settings: Mapping[str, Any], upload_id: str
) -> int:
    order = UploadOrder(
        name,
        _given(desk, upload_ids),
        desk.actor.name,
        UploadSettings(**settings),
        upload_id,
    )
    with audited(CatalogDatabase.open(), desk.actor, "upload.import", f"datasets/{name}") as noted:
        noted.detail = ", ".join(file.name for file in order.files[:20])
        declared = declared_settings(desk.location, name)
        kept = bring_in(desk.store, find_project(), order, declared)
        noted.after = declaration(name, order.settings) if declared is None else None
    return kept.number


def _start(desk: Desk, name: str, key: str, upload: int) -> str:
    asked = Asked(desk.actor.name, key)
    return start_import(desk.home, desk.location, desk.instance, name, asked, upload)


PREVIEW = Question("upload.preview", _preview, UploadPreview)
KEEP = Question("upload.keep", _keep, int, seconds=KEEP_SECONDS)
KEEP_IMAGES = Question("upload.keep_images", _keep_images, int, seconds=KEEP_SECONDS)
START = Question("upload.start", _start, str)
QUESTIONS = (PREVIEW, KEEP, KEEP_IMAGES, START)
