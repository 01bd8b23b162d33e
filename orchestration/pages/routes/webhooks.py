"""Webhooks: the list with a form for a new one, one of them with all that can be done to it, and the log of its deliveries."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.visit import Visit
from orchestration.services.statuses import status_of
from orchestration.services.webhooks.declared import (
    EVENTS,
    change_webhook,
    create_webhook,
    list_webhooks,
    remove_webhook,
    rotate_secret,
    set_paused,
    show_webhook,
)
from orchestration.services.webhooks.deliveries import (
    STATES,
    Trial,
    list_deliveries,
    resend,
    try_webhook,
)
from orchestration.services.webhooks.secret import SigningKey
from orchestration.services.webhooks.sending import Sender
from resources.kernel.errors import ConflictError, InputError, WaybillError

_PAGE = 50


async def _list(visit: Visit) -> Response:
    return await _show_list(visit)


async def _show_list(
    visit: Visit, given: FormData | None = None, problem: WaybillError | None = None
) -> Response:
    return await visit.render(
        "webhooks/list.html",
        status=status_of(problem) if problem else 200,
        webhooks=await visit.run(list_webhooks, visit.site.catalog),
        events=EVENTS,
        given=given or {},
        chosen=given.getlist("event") if given else EVENTS,
        problem=problem,
    )


async def _create(visit: Visit) -> Response:
    form = await visit.form()
    try:
        made = await visit.run(
            create_webhook,
            visit.site.catalog,
            visit.actor,
            SigningKey.of_home(),
            alias=str(form.get("alias", "")).strip(),
            url=str(form.get("url", "")).strip(),
            events=[str(event) for event in form.getlist("event")],
        )
    except (InputError, ConflictError) as error:  # what was typed stays in the form
        return await _show_list(visit, form, error)
    return await _show_one(visit, made.webhook.alias, secret=made.secret)


async def _show(visit: Visit) -> Response:
    return await _show_one(visit, _alias(visit))


async def _show_one(
    visit: Visit,
    alias: str,
    *,
    secret: str = "",
    trial: Trial | None = None,
    given: FormData | None = None,
    problem: WaybillError | None = None,
) -> Response:
    webhook = await visit.run(show_webhook, visit.site.catalog, alias)
    return await visit.render(
        "webhooks/show.html",
        status=status_of(problem) if problem else 200,
        webhook=webhook,
        events=EVENTS,
        url=given.get("url", "") if given else webhook.url,
        chosen=given.getlist("event") if given else webhook.events,
        secret=secret,
        trial=trial,
        problem=problem,
    )


async def _edit(visit: Visit) -> Response:
    form, alias = await visit.form(), _alias(visit)
    try:
        await visit.run(
            change_webhook,
            visit.site.catalog,
            visit.actor,
            alias,
            url=str(form.get("url", "")).strip(),
            events=[str(event) for event in form.getlist("event")],
        )
    except InputError as error:  # what was typed stays in the form
        return await _show_one(visit, alias, given=form, problem=error)
    return visit.redirect(_place(alias), notice=f"{alias} is changed.")


async def _test(visit: Visit) -> Response:
    alias = _alias(visit)
    catalog, actor = visit.site.catalog, visit.actor
    trial = await visit.run(try_webhook, catalog, actor, Sender.of_home(), alias)
    return await _show_one(visit, alias, trial=trial)


async def _rotate(visit: Visit) -> Response:
    alias = _alias(visit)
    catalog, actor = visit.site.catalog, visit.actor
    made = await visit.run(rotate_secret, catalog, actor, SigningKey.of_home(), alias)
    return await _show_one(visit, alias, secret=made.secret)


async def _pause(visit: Visit) -> Response:
    return await _switch(visit, is_paused=True)


async def _resume(visit: Visit) -> Response:
    return await _switch(visit, is_paused=False)


async def _switch(visit: Visit, *, is_paused: bool) -> Response:
    alias = _alias(visit)
    await visit.run(set_paused, visit.site.catalog, visit.actor, alias, is_paused=is_paused)
    notice = f"{alias} is paused: what ends meanwhile waits." if is_paused else f"{alias} goes on."
    return visit.redirect(_place(alias), notice=notice)


async def _remove(visit: Visit) -> Response:
    alias = _alias(visit)
    await visit.run(remove_webhook, visit.site.catalog, visit.actor, alias)
    return visit.redirect("/webhooks", notice=f"{alias} is removed.")


async def _deliveries(visit: Visit) -> Response:
    alias, state = _alias(visit), visit.query("state")
    found = await visit.run(
        list_deliveries,
        visit.site.catalog,
        alias,
        state=state,
        limit=_PAGE,
        cursor=visit.query("cursor") or None,
    )
    return await visit.render(
        "webhooks/deliveries.html", alias=alias, page=found, states=STATES, state=state
    )


async def _resend(visit: Visit) -> Response:
    alias, delivery_id = _alias(visit), str(visit.request.path_params["delivery"])
    await visit.run(resend, visit.site.catalog, visit.actor, alias, delivery_id)
    webhook = await visit.run(show_webhook, visit.site.catalog, alias)
    notice = f"It waits until {alias} goes on." if webhook.is_paused else "It is sent once more."
    return visit.redirect(f"{_place(alias)}/deliveries", notice=notice)


def _alias(visit: Visit) -> str:
    return str(visit.request.path_params["alias"])


def _place(alias: str) -> str:
    return f"/webhooks/{to_part(alias)}"


_POST = ("POST",)
ROUTES = [
    page("webhook.list", "/webhooks", _list),
    page("webhook.create", "/webhooks", _create, methods=_POST),
    page("webhook.show", "/webhooks/{alias}", _show),
    page("webhook.edit", "/webhooks/{alias}", _edit, methods=_POST),
    page("webhook.test", "/webhooks/{alias}/test", _test, methods=_POST),
    page("webhook.rotate", "/webhooks/{alias}/rotate", _rotate, methods=_POST),
    page("webhook.pause", "/webhooks/{alias}/pause", _pause, methods=_POST),
    page("webhook.resume", "/webhooks/{alias}/resume", _resume, methods=_POST),
    page("webhook.remove", "/webhooks/{alias}/remove", _remove, methods=_POST),
    page("webhook.deliveries", "/webhooks/{alias}/deliveries", _deliveries),
    page(
        "webhook.resend", "/webhooks/{alias}/deliveries/{delivery}/resend", _resend, methods=_POST
    ),
]
