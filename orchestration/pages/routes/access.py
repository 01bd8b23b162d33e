"""The account of whoever asks, the users, and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.visit import Visit
from orchestration.services.access.account import change_own_password
from orchestration.services.access.actor import Role, Scope
from orchestration.services.access.audit import LogFilter, page_of_entries
from orchestration.services.access.rights import RIGHTS
from orchestration.services.access.tokens import (
    create_token,
    list_tokens,
    revoke_token,
    set_token_paused,
)
from orchestration.services.access.users import (
    add_user,
    list_users,
    remove_user,
    set_disabled,
    set_password,
    set_role,
)
from orchestration.services.access.visits import guess_of, session_of
from orchestration.services.statuses import status_of
from resources.kernel.errors import ConflictError, InputError, WaybillError


async def _account(visit: Visit) -> Response:
    return await _show_account(visit)


async def _show_account(
    visit: Visit,
    secret: str = "",
    given: FormData | None = None,
    problem: WaybillError | None = None,
) -> Response:
    tokens = await visit.run(list_tokens, visit.site.catalog, user=visit.actor.user)
    users = await visit.run(list_users, visit.site.catalog)
    return await visit.render(
        "access/account.html",
        status=status_of(problem) if problem else 200,
        given=given or {},
        chosen=given.getlist("scope") if given else [],
        problem=problem,
        tokens=tokens,
        scopes=list(Scope),
        secret=secret,
        is_user=any(user.name == visit.actor.user for user in users),
        has_users=bool(users),
    )


async def _create_token(visit: Visit) -> Response:
    form = await visit.form()
    try:
        made = await visit.run(
            create_token,
            visit.site.catalog,
            visit.actor,
            user=visit.actor.user,
            alias=str(form.get("alias", "")).strip(),
            scopes=[scope for scope in Scope if scope in form.getlist("scope")],
            days=_days(str(form.get("days", "")).strip()),
        )
    except (InputError, ConflictError) as error:  # what was typed stays in the form
        return await _show_account(visit, given=form, problem=error)
    return await _show_account(visit, made.secret)


async def _revoke_token(visit: Visit) -> Response:
    alias = visit.request.path_params["alias"]
    user = visit.actor.user
    await visit.run(revoke_token, visit.site.catalog, visit.actor, user=user, alias=alias)
    return visit.redirect("/account", notice=f"The token {alias} is worth nothing any more.")


async def _pause_token(visit: Visit) -> Response:
    return await _switch_token(visit, is_paused=True)


async def _resume_token(visit: Visit) -> Response:
    return await _switch_token(visit, is_paused=False)


async def _switch_token(visit: Visit, *, is_paused: bool) -> Response:
    alias, user = visit.request.path_params["alias"], visit.actor.user
    catalog, actor = visit.site.catalog, visit.actor
    await visit.run(set_token_paused, catalog, actor, user=user, alias=alias, is_paused=is_paused)
    text = "is refused until you have it go on" if is_paused else "is taken again"
    return visit.redirect("/account", notice=f"The token {alias} {text}.")


async def _own_password(visit: Visit) -> Response:
    form = await visit.form()
    await visit.run(
        change_own_password,
        visit.site.catalog,
        visit.actor,
        current=str(form.get("current", "")),
        password=str(form.get("password", "")),
        session=session_of(visit.request),
        guess=guess_of(visit.request),
    )
    return visit.redirect("/account", notice="You have another password now.")


async def _users(visit: Visit) -> Response:
    return await _show_users(visit)


async def _show_users(
    visit: Visit, given: FormData | None = None, problem: WaybillError | None = None
) -> Response:
    users = await visit.run(list_users, visit.site.catalog)
    return await visit.render(
        "access/users.html",
        status=status_of(problem) if problem else 200,
        users=users,
        roles=list(Role),
        given=given or {},
        problem=problem,
    )


async def _add_user(visit: Visit) -> Response:
    form = await visit.form()
    try:
        made = await visit.run(
            add_user,
            visit.site.catalog,
            visit.actor,
            name=str(form.get("name", "")).strip(),
            role=_role(str(form.get("role", ""))),
            password=str(form.get("password", "")),
        )
    except (InputError, ConflictError) as error:  # what was typed stays in the form
        return await _show_users(visit, form, error)
    return visit.redirect("/users", notice=f"{made.name} may sign in, as {made.role}.")


async def _set_role(visit: Visit) -> Response:
    role = _role(str((await visit.form()).get("role", "")))
    name = _name(visit)
    await visit.run(set_role, visit.site.catalog, visit.actor, name=name, role=role)
    return visit.redirect("/users", notice=f"{name} is {role} now.")


async def _set_password(visit: Visit) -> Response:
    password, name = str((await visit.form()).get("password", "")), _name(visit)
    await visit.run(set_password, visit.site.catalog, visit.actor, name=name, password=password)
    return visit.redirect(
        "/users", notice=f"{name} has another password; open sessions have ended."
    )


async def _disable(visit: Visit) -> Response:
    return await _switch(visit, is_disabled=True)


async def _enable(visit: Visit) -> Response:
    return await _switch(visit, is_disabled=False)


async def _switch(visit: Visit, *, is_disabled: bool) -> Response:
    name = _name(visit)
    await visit.run(
        set_disabled, visit.site.catalog, visit.actor, name=name, is_disabled=is_disabled
    )
    text = "is shut out" if is_disabled else "may sign in again"
    return visit.redirect("/users", notice=f"{name} {text}.")


async def _remove(visit: Visit) -> Response:
    name = _name(visit)
    await visit.run(remove_user, visit.site.catalog, visit.actor, name=name)
    return visit.redirect("/users", notice=f"{name} is removed.")


async def _audit(visit: Visit) -> Response:
    since, until = _day(visit.query("since")), _day(visit.query("until"))
    wanted = LogFilter(
        visit.query("user").strip(),
        visit.query("action").strip(),
        since,
        None if until is None else until + timedelta(days=1),
        limit=50,
    )
    cursor = visit.query("cursor") or None
    found = await visit.run(page_of_entries, visit.site.catalog, wanted, cursor)
    given = {
        "user": wanted.actor,
        "action": wanted.action,
        "since": wanted.since.isoformat() if wanted.since else "",
        "until": wanted.until.isoformat() if wanted.until else "",
    }
    return await visit.render(
        "access/audit.html",
        page=found,
        wanted=wanted,
        actions=sorted(RIGHTS),
        download=urlencode({name: value for name, value in given.items() if value}),
    )


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["user"])


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise InputError(f"{text!r} is no role", hint=f"Choose from {', '.join(Role)}") from None


def _days(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise InputError(f"{text!r} is no number of days", hint="Leave it empty for ever")
    return int(text)


def _day(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        raise InputError(f"{text!r} is no day", hint="Write 2026-11-30") from None


_POST = ("POST",)
ROUTES = [
    page("access.me", "/account", _account),
    page("access.password", "/account/password", _own_password, methods=_POST),
    page("token.create", "/account/tokens", _create_token, methods=_POST),
    page("token.pause", "/account/tokens/{alias}/pause", _pause_token, methods=_POST),
    page("token.resume", "/account/tokens/{alias}/resume", _resume_token, methods=_POST),
    page("token.revoke", "/account/tokens/{alias}/revoke", _revoke_token, methods=_POST),
    page("user.list", "/users", _users),
    page("user.add", "/users/add", _add_user, methods=_POST),
    page("user.role", "/users/{user}/role", _set_role, methods=_POST),
    page("user.password", "/users/{user}/password", _set_password, methods=_POST),
    page("user.disable", "/users/{user}/disable", _disable, methods=_POST),
    page("user.enable", "/users/{user}/enable", _enable, methods=_POST),
    page("user.remove", "/users/{user}/remove", _remove, methods=_POST),
    page("audit.list", "/audit", _audit),
]
