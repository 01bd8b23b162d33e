"""Which right each use case asks for: a role of the user who asks, and a scope of a token. One table for all faces.

A viewer looks; an operator starts and stops work, brings data in and sends it out; an admin changes what is declared and
who may do what. A use case that is not in the table asks for the most.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.services.access.actor import Actor, Role, Scope
from resources.kernel.errors import ForbiddenError


@dataclass(frozen=True)
class Right:
    """What a use case asks for."""

    role: Role
    scope: Scope

    def __str__(self) -> str:
        return f"the role {self.role} and the scope {self.scope}"


LOOK = Right(Role.VIEWER, Scope.READ)
"""Shows what is declared, kept or recorded."""

ASK = Right(Role.OPERATOR, Scope.READ)
"""Changes nothing, but takes data out, or asks another system with stored credentials."""

WORK = Right(Role.OPERATOR, Scope.IMPORT)
"""Starts or stops work, brings data in, sends results out."""

EDIT = Right(Role.OPERATOR, Scope.WRITE)
"""Changes how something is called or described."""

OWN = Right(Role.VIEWER, Scope.WRITE)
"""Changes what belongs to the user who asks."""

CHANGE = Right(Role.ADMIN, Scope.WRITE)
"""Changes what is declared or kept, and who may do what."""

GOVERN = Right(Role.ADMIN, Scope.READ)
"""Shows who may do what, and who did."""

REMOVE_RECORDS = CHANGE
"""What it takes to remove, with an import task, what the task brought in."""

_DECLARED = (
    "connector",
    "datasource",
    "dataset",
    "transform",
    "model",
    "prediction",
    "embedding",
    "exporter",
    "classification",
    "collection",
    "schema",
    "image-folder",
    "pipeline",
)
RIGHTS: dict[str, Right] = {
    # What is declared, kept and recorded.
    "project.list": LOOK,
    "overview.show": LOOK,
    "asset.page": LOOK,
    "connector.list": LOOK,
    "connector.show": LOOK,
    "datasource.list": LOOK,
    "datasource.show": LOOK,
    "dataset.list": LOOK,
    "dataset.show": LOOK,
    "dataset.sample": LOOK,
    "dataset.columns": LOOK,
    "dataset.profile": LOOK,
    "dataset.versions": LOOK,
    "dataset.compare": LOOK,
    "dataset.drift": LOOK,
    "dataset.uses": LOOK,
    "dataset.summary": LOOK,
    "dataset.checks": LOOK,
    "dataset.suggest-checks": LOOK,
    "dataset.runs": LOOK,
    "dataset.rows": LOOK,
    "dataset.facets": LOOK,
    "dataset.cell": LOOK,
    "query.run": LOOK,
    "query.cancel": LOOK,
    "query.history": LOOK,
    "query.show": LOOK,
    "query.transform": LOOK,
    "exporter.list": LOOK,
    "exporter.show": LOOK,
    "exporter.history": LOOK,
    "datasource.observations": LOOK,
    "embedding.list": LOOK,
    "embedding.show": LOOK,
    "pipeline.list": LOOK,
    "pipeline.show": LOOK,
    "run.list": LOOK,
    "run.show": LOOK,
    "run.watch": LOOK,
    "collection.list": LOOK,
    "collection.show": LOOK,
    "collection.items": LOOK,
    "collection.item": LOOK,
    "collection.folders": LOOK,
    "collection.thumbnail": LOOK,
    "collection.picture": LOOK,
    "collection.content": LOOK,
    "collection.frames": LOOK,
    "collection.frame": LOOK,
    "classification.list": LOOK,
    "classification.show": LOOK,
    "classification.history": LOOK,
    "classification.errors": LOOK,
    "classification.template": LOOK,
    **{
        f"image-folder.{verb}": LOOK
        for verb in ("list", "show", "files", "file", "image", "thumbnail")
    },
    # Other systems, and data on its way out.
    "connector.test": ASK,
    "connector.browse": ASK,
    "connector.describe": ASK,
    "datasource.test": ASK,
    "exporter.test": ASK,
    "dataset.download": ASK,
    "query.download": ASK,
    "image-folder.download": ASK,
    "classification.check": ASK,
    "classification.download": ASK,
    # What is not saved yet: it leads wherever the user wants it to.
    "connector.try": CHANGE,
    "datasource.try": CHANGE,
    "exporter.try": CHANGE,
    # Work.
    "dataset.refresh": WORK,
    "dataset.compute-profile": WORK,
    "dataset.restore": WORK,
    "embedding.compute": WORK,
    "dataset.upload": WORK,
    "image-folder.upload": WORK,
    "upload.limits": LOOK,
    "upload.discover": LOOK,
    "upload.list": WORK,
    "upload.create": WORK,
    "upload.offset": WORK,
    "upload.show": WORK,
    "upload.send": WORK,
    "upload.cancel": WORK,
    "upload.preview": WORK,
    "upload.import": WORK,
    "dataset.export": WORK,
    "datasource.observe": WORK,
    "exporter.run": WORK,
    "pipeline.run": WORK,
    "pipeline.pause": WORK,
    "pipeline.resume": WORK,
    "run.cancel": WORK,
    "run.retry": WORK,
    "classification.apply": WORK,
    "classification.undo": WORK,
    # Collections filled.
    "collection.imports": LOOK,
    "collection.progress": LOOK,
    "collection.failures": LOOK,
    "collection.check-spec": ASK,
    "collection.make-spec": ASK,
    "collection.import": WORK,
    "collection.resume": WORK,
    "collection.retry": WORK,
    "collection.stop": WORK,
    # Import tasks.
    "import.list": LOOK,
    "import.show": LOOK,
    "import.items": LOOK,
    "import.failures": LOOK,
    "import.formats": LOOK,
    "import.create": WORK,
    "import.start": WORK,
    "import.stop": WORK,
    "import.retry": WORK,
    "import.delete": WORK,
    "import.start-all": WORK,
    "import.stop-all": WORK,
    "import.delete-all": WORK,
    # Metadata schemas.
    "schema.list": LOOK,
    "schema.show": LOOK,
    "schema.history": LOOK,
    "schema.print": LOOK,
    "schema.verify": LOOK,
    "schema.preview": LOOK,
    "schema.apply": CHANGE,
    "asset.report": WORK,
    # What is declared.
    **{f"{noun}.{verb}": CHANGE for noun in _DECLARED for verb in ("create", "edit", "delete")},
    **{f"{noun}.{verb}": LOOK for noun in _DECLARED for verb in ("form", "definition")},
    # Titles and descriptions.
    "dataset.rename": EDIT,
    "dataset.tag": EDIT,
    "dataset.untag": EDIT,
    "dataset.pin": EDIT,
    "dataset.unpin": EDIT,
    "dataset.remove": CHANGE,
    "image-folder.rename": EDIT,
    "image-folder.remove": CHANGE,
    "collection.rename-item": EDIT,
    "collection.merge-metadata": EDIT,
    "collection.move-items": EDIT,
    "collection.remove-items": CHANGE,
    # Who may do what.
    "access.me": LOOK,
    "access.password": OWN,
    "token.create": OWN,
    "token.list": LOOK,
    "token.pause": OWN,
    "token.resume": OWN,
    "token.revoke": OWN,
    "user.list": GOVERN,
    "user.add": CHANGE,
    "user.role": CHANGE,
    "user.password": CHANGE,
    "user.disable": CHANGE,
    "user.enable": CHANGE,
    "user.remove": CHANGE,
    # Who is told when something ended.
    **{f"webhook.{verb}": GOVERN for verb in ("list", "show", "deliveries")},
    **{
        f"webhook.{verb}": CHANGE
        for verb in ("create", "edit", "pause", "resume", "remove", "rotate", "test", "resend")
    },
    "audit.list": GOVERN,
    "audit.download": GOVERN,
    "audit.download.json": GOVERN,
    "metrics.show": LOOK,
}
"""Use case -> what it asks for."""


def right_of(use_case: str) -> Right:
    """What a use case asks for."""
    return RIGHTS.get(use_case, CHANGE)


def check_right(actor: Actor, use_case: str, right: Right | None = None) -> None:
    """Nothing, where `actor` may do it.

    Raises:
        ForbiddenError: it names the right that is missing.
    """
    wanted = right or right_of(use_case)
    if actor.may(wanted.role, wanted.scope):
        return
    has_role = actor.role.includes(wanted.role)
    missing = f"the scope {wanted.scope}" if has_role else f"the role {wanted.role}"
    raise ForbiddenError(
        f"{use_case} needs {wanted}; {actor.name} lacks {missing}",
        hint="Use a token with this scope" if has_role else "Ask an admin",
        use_case=use_case,
        role=wanted.role.value,
        scope=wanted.scope.value,
    )
