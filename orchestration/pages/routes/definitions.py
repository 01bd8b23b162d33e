"""Definitions by forms: new ones with a choice of type, changed ones, deleted ones. Each has an address.

A form sends itself to its own address: with `step=preview` it comes back with what would be written, with `step=save` it is
written. Whatever is wrong, it comes back with all that was typed. An address may fill fields in: `?connector=lake&path=x`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from orchestration.pages.page import page
from orchestration.pages.render import to_words
from orchestration.pages.visit import Visit
from orchestration.services.definitions.change import USE_CASES, Action, Changed, DefinitionChange
from orchestration.services.forms.model import Form
from orchestration.services.questions.definition import CHANGE, NEW, SHOW, as_argument
from orchestration.services.reloading import reload_location
from orchestration.services.site.old_addresses import moved_to
from resources.kernel.errors import ConfigError, ConflictError, InputError, WaybillError

_OWN = ("form_token", "step", "type", "revision", "name")
_LISTED = {
    "transform": "datasets",
    "model": "datasets",
    "prediction": "datasets",
}
_METHODS = ("GET", "POST")


@dataclass(frozen=True)
class _Shown:
    """A form as a page shows it.

    Args:
        form: its fields.
        values: texts by field: what was typed, or what is there.
        errors: what is wrong, by field.
        problems: what else would break.
        changed: what would be written.
        conflict: what somebody else has saved meanwhile.
        message: what is wrong with all of it.
    """

    form: Form
    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    changed: Changed | None = None
    conflict: ConflictError | None = None
    message: str = ""


async def _create(visit: Visit, noun: str, use_case: str) -> Response:
    sent = dict(await visit.form()) if visit.request.method == "POST" else {}
    kind = str(sent.get("type") or visit.query("type"))
    asked = await visit.ask(NEW, noun=noun, type=kind)
    if asked.form is None:
        return await visit.render(
            "definitions/choose.html", noun=noun, choices=asked.choices, use_case=use_case
        )
    given = _texts(sent) if sent else {**dict(visit.request.query_params), "type": kind}
    values = {one.name: given.get(one.name, "") for one in asked.form.fields}
    if not sent:
        return await _render(visit, use_case, _Shown(asked.form, values))
    name = str(sent.get("name", "")).strip()
    change = DefinitionChange("create", noun, name, type=kind, texts=values, is_form=True)
    return await _answer(visit, use_case, asked.form, change, str(sent.get("step", "")))


async def _edit(visit: Visit, noun: str, use_case: str) -> Response:
    name = visit.request.path_params["name"]
    form = await visit.ask(SHOW, noun=noun, name=name)
    shown = {one.name: one.value for one in form.fields}
    if visit.request.method == "GET":
        given = {k: v for k, v in visit.request.query_params.items() if k in shown}
        return await _render(visit, use_case, _Shown(form, {**shown, **given}))
    sent = dict(await visit.form())
    texts = {**shown, **{k: v for k, v in _texts(sent).items() if k in shown}}
    revision = str(sent.get("revision", ""))
    change = DefinitionChange("edit", noun, name, texts=texts, revision=revision, is_form=True)
    return await _answer(visit, use_case, form, change, str(sent.get("step", "")))


def _texts(sent: Mapping[str, object]) -> dict[str, str]:
    return {k: v for k, v in sent.items() if isinstance(v, str) and k not in _OWN[:3]}


async def _answer(
    visit: Visit, use_case: str, form: Form, change: DefinitionChange, step: str
) -> Response:
    """What becomes of a form that was sent."""
    values = {**change.texts, "name": change.name, "revision": change.revision}
    try:
        done = await _change(visit, change, is_preview=step != "save")
    except ConflictError as error:
        values["revision"] = str(error.facts.get("revision", ""))
        return await _render(visit, use_case, _Shown(form, values, conflict=error), 409)
    except InputError as error:
        errors = error.facts.get("errors")
        problems = error.facts.get("problems")
        told = _Shown(
            form,
            values,
            errors if isinstance(errors, dict) else {},
            tuple(map(str, problems if isinstance(problems, list) else ())),
            message="" if isinstance(errors, dict) else str(error),
        )
        return await _render(visit, use_case, told, 422)
    if step != "save":
        return await _render(visit, use_case, _Shown(form, values, changed=done))
    return await _saved(visit, use_case, done)


async def _change(visit: Visit, change: DefinitionChange, *, is_preview: bool) -> Changed:
    return await visit.ask(CHANGE, change=as_argument(change), dry_run=is_preview)


async def _saved(visit: Visit, use_case: str, done: Changed) -> Response:
    """Has the project read anew what was written, and goes on to the list."""
    told = {"create": "is declared", "edit": "is changed", "delete": "is deleted"}[done.action]
    noun = to_words(done.noun).capitalize()
    notice = f"{noun} {done.name} {told}, in {done.file}."
    if not done.is_written:
        notice = f"{noun} {done.name} says so already: nothing was changed."
    else:
        try:
            await reload_location(visit.project.socket)
        except WaybillError as error:
            notice = f"{notice} {error}"
    return visit.redirect(_list_of(visit, use_case), notice=notice)


def _list_of(visit: Visit, use_case: str) -> str:
    place = _LISTED.get(use_case, f"{use_case}s")
    known = visit.request.app.state.page_names
    return f"/{place}" if f"{place[:-1]}.list" in known else "/"


async def _render(visit: Visit, use_case: str, shown: _Shown, status: int = 200) -> Response:
    form = shown.form
    return await visit.render(
        "definitions/form.html",
        status=status,
        form=form,
        shown=shown,
        main=[one for one in form.fields if one.is_main],
        others=[one for one in form.fields if not one.is_main],
        use_case=use_case,
        back=visit.base + _list_of(visit, use_case),
        unplaced=[text for name, text in shown.errors.items() if form.field(name) is None],
    )


async def _delete(visit: Visit, noun: str, use_case: str) -> Response:
    name = visit.request.path_params["name"]
    is_sent = visit.request.method == "POST"
    revision = str((await visit.form()).get("revision", "")) if is_sent else ""
    change = DefinitionChange("delete", noun, name, revision=revision)
    values = {"noun": noun, "name": name, "back": visit.base + _list_of(visit, use_case)}
    form = await visit.ask(SHOW, noun=noun, name=name)
    try:
        done = await _change(visit, change, is_preview=not is_sent)
    except ConflictError as error:
        return await _ask_again(visit, form, values, error, 409)
    except ConfigError as error:
        if "users" not in error.facts:
            raise
        return await _ask_again(visit, form, values, error, 409 if is_sent else 200)
    if is_sent:
        return await _saved(visit, use_case, done)
    return await visit.render(
        "definitions/delete.html", form=form, changed=done, error=None, **values
    )


async def _ask_again(
    visit: Visit, form: Form, values: Mapping[str, str], error: WaybillError, status: int
) -> Response:
    return await visit.render(
        "definitions/delete.html", status=status, form=form, changed=None, error=error, **values
    )


_Act = Callable[[Visit, str, str], Awaitable[Response]]


def _page(action: Action, path: str, noun: str, use_case: str, act: _Act) -> BaseRoute:
    async def view(visit: Visit) -> Response:
        return await act(visit, noun, use_case)

    return page(f"{use_case}.{action}", path, view, methods=_METHODS)


def _pages(noun: str, use_case: str) -> list[BaseRoute]:
    """The pages of one noun."""
    make = partial(_page, noun=noun, use_case=use_case)
    return [
        make("create", f"/{use_case}s/-/new", act=_create),
        make("edit", f"/{use_case}s/{{name}}/edit", act=_edit),
        make("delete", f"/{use_case}s/{{name}}/delete", act=_delete),
    ]


async def _moved(request: Request) -> Response:
    """On to the form, from the address that it had before; nouns without pages of their own have no other route there."""
    return RedirectResponse(moved_to(request.url.path, request.url.query), 307)


ROUTES: list[BaseRoute] = [
    route for noun, use_case in USE_CASES.items() for route in _pages(noun, use_case)
]
ROUTES += [
    Route(f"/{{project}}/{use_case}s/new", _moved, name=f"{use_case}.create")
    for use_case in _LISTED
]
