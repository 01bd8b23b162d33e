"""Definitions: what forms ask for, and definitions made, changed and deleted. The same routes for every noun."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from orchestration.api.given import GivenAsker, GivenProject, Revision
from orchestration.api.router import GuardedRouter
from orchestration.services.asking.client import Asker
from orchestration.services.definitions.change import USE_CASES, Action, Changed, DefinitionChange
from orchestration.services.forms.model import Form
from orchestration.services.questions.definition import CHANGE, NEW, SHOW, NewForm, as_argument
from orchestration.services.reloading import reload_location
from orchestration.services.site.projects import Project
from resources.kernel.errors import InputError, said

router = GuardedRouter()
_BASE = "/projects/{project}/definitions"


class NewDefinition(BaseModel):
    """A definition to make."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=200, description="What it is called.")]
    type: Annotated[
        str,
        Field(
            max_length=500,
            description="A type's name, its short form (`s3`), or a variant of one (`postgresql`).",
        ),
    ] = ""
    attributes: Annotated[
        dict[str, Any],
        Field(description="Attributes as YAML has them; a secret is `{env: NAME_OF_A_VARIABLE}`."),
    ] = {}


class EditedDefinition(BaseModel):
    """What is to be different."""

    model_config = ConfigDict(extra="forbid")

    attributes: Annotated[dict[str, Any], Field(description="Attributes to set.")] = {}
    unset: Annotated[list[str], Field(description="Attributes to leave out from now on.")] = []


Name = Annotated[str, Path(max_length=200, description="Name of the definition.")]
DryRun = Annotated[bool, Query(description="Judge it and show the change; write nothing.")]
TypeQuery = Annotated[str, Query(max_length=500, description="As in a new definition.")]


async def _made(
    asker: Asker, project: Project, change: DefinitionChange, *, dry_run: bool
) -> Changed:
    try:
        done = await asker.ask(CHANGE, change=as_argument(change), dry_run=dry_run)
    except InputError as error:
        raise _pointed(error) from error
    if done.is_written:
        await reload_location(project.socket)
    return done


def _pointed(error: InputError) -> InputError:
    """The same error with pointers into the request, as every other problem of a field has them."""
    errors = error.facts.get("errors")
    if isinstance(errors, dict):
        told = [{"pointer": f"/{_place(name)}", "reason": text} for name, text in errors.items()]
        error.facts["errors"] = told
    return error


def _place(name: str) -> str:
    return name if name == "name" else "/".join(["attributes", *filter(None, name.split("."))])


def _add_looks(noun: str, use_case: str) -> None:
    """The routes of one noun that look."""
    base = f"{_BASE}/{use_case}s"

    @router.get(
        f"{base}/-/new", operation_id=f"{use_case}.form", summary=f"Form of a new {said(noun)}"
    )
    async def form(asker: GivenAsker, type: TypeQuery = "") -> NewForm:  # noqa: A002 - the address has it
        """Tell which types there are, and what the chosen one asks for."""
        return await asker.ask(NEW, noun=noun, type=type)

    @router.get(
        f"{base}/{{name}}",
        operation_id=f"{use_case}.definition",
        summary=f"Definition of a {said(noun)}",
    )
    async def show(asker: GivenAsker, name: Name) -> Form:
        """Show what a definition says, its file and its revision. A secret shows the name of its variable."""
        return await asker.ask(SHOW, noun=noun, name=name)


def _add_changes(noun: str, use_case: str) -> None:
    """The routes of one noun that change something."""
    base = f"{_BASE}/{use_case}s"

    def change(action: Action, name: str, **given: Any) -> DefinitionChange:
        return DefinitionChange(action, noun, name, **given)

    @router.post(base, operation_id=f"{use_case}.create", summary=f"Declare a {said(noun)}")
    async def create(
        asker: GivenAsker, project: GivenProject, given: NewDefinition, dry_run: DryRun = False
    ) -> Changed:
        """Judge a new definition with the whole project, write it, and have the project read anew."""
        made = change("create", given.name, type=given.type, values=given.attributes)
        return await _made(asker, project, made, dry_run=dry_run)

    @router.patch(
        f"{base}/{{name}}", operation_id=f"{use_case}.edit", summary=f"Change a {said(noun)}"
    )
    async def edit(
        asker: GivenAsker,
        project: GivenProject,
        name: Name,
        given: EditedDefinition,
        revision: Revision,
        dry_run: DryRun = False,
    ) -> Changed:
        """Change attributes of a definition; every other byte of its file stays."""
        made = change(
            "edit",
            name,
            values=given.attributes,
            unset=tuple(given.unset),
            revision=revision,
        )
        return await _made(asker, project, made, dry_run=dry_run)

    @router.delete(
        f"{base}/{{name}}", operation_id=f"{use_case}.delete", summary=f"Delete a {said(noun)}"
    )
    async def delete(
        asker: GivenAsker,
        project: GivenProject,
        name: Name,
        revision: Revision,
        dry_run: DryRun = False,
    ) -> Changed:
        """Take a definition out of its file, if nothing uses it. What is stored stays."""
        made = change("delete", name, revision=revision)
        return await _made(asker, project, made, dry_run=dry_run)


for _noun, _use_case in USE_CASES.items():
    _add_looks(_noun, _use_case)
    _add_changes(_noun, _use_case)
