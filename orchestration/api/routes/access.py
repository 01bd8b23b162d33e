"""Who may do what: users, API tokens, the audit log, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Body, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from orchestration.api.given import Cursor, GivenActor, GivenSite, Limit, Moment
from orchestration.api.router import GuardedRouter
from orchestration.services.access.account import change_own_password
from orchestration.services.access.actor import Role, Scope
from orchestration.services.access.audit import (
    LogEntry,
    LogFilter,
    page_of_entries,
    stream_csv,
    stream_json_lines,
)
from orchestration.services.access.tokens import (
    NewToken,
    Token,
    create_token,
    list_tokens_for,
    revoke_token,
    set_token_paused,
)
from orchestration.services.access.users import (
    User,
    add_user,
    list_users,
    remove_user,
    set_disabled,
    set_password,
    set_role,
)
from orchestration.services.access.visits import guess_of, session_of
from orchestration.services.asking.passing import as_file
from orchestration.services.paging import LIMIT, Page

router = GuardedRouter()

UserName = Annotated[str, Path(description="Name of the user.", max_length=64)]
TokenAlias = Annotated[str, Path(description="Of the token.", max_length=64)]
Password = Annotated[str, Field(max_length=1_000, description="10 to 500 characters.")]


@dataclass(frozen=True)
class Me:
    """Who asks, and what may be done that way."""

    name: str
    user: str
    role: Role
    scopes: tuple[Scope, ...]
    via: str
    """How it came in: `session`, `token`, `password` or `local`."""


class NewUser(BaseModel):
    """A user to be made."""

    name: str = Field(description="Small letters, digits and . _ @ + -", max_length=64)
    role: Role = Field(default=Role.VIEWER, description="What the user may do.")
    password: Password


class OwnPassword(BaseModel):
    """Changes the password of the user who asks."""

    current: str = Field(max_length=1_000, description="The one so far.")
    password: Password


class WantedToken(BaseModel):
    """A token to be made."""

    alias: str = Field(description="What its owner tells it from others by.", max_length=64)
    scopes: list[Scope] = Field(description="What it may be used for.", max_length=3)
    days: int | None = Field(default=None, description="How long it is good for; for ever without.")
    user: str = Field(default="", description="Whose token; one's own without.", max_length=64)


@dataclass(frozen=True)
class AuditQuery:
    """Which entries of the audit log are wanted."""

    user: Annotated[str, Query(description="Of this user, tokens included.", max_length=200)] = ""
    action: Annotated[
        str, Query(description="This use case, or all of a noun: `dataset.`", max_length=200)
    ] = ""
    since: Annotated[Moment | None, Query(description="None older.")] = None
    until: Annotated[Moment | None, Query(description="None from then on.")] = None

    def filter(self, limit: int | None) -> LogFilter:
        """The same as the service has it."""
        return LogFilter(self.user, self.action, self.since, self.until, limit=limit)


GivenAudit = Annotated[AuditQuery, Depends()]


@router.get("/me", operation_id="access.me")
def who_am_i(actor: GivenActor) -> Me:
    """Tell who asks, and what may be done that way."""
    scopes = tuple(scope for scope in Scope if scope in actor.scopes)
    return Me(actor.name, actor.user, actor.role, scopes, actor.via)


@router.put("/me/password", operation_id="access.password", status_code=204)
def change_my_password(
    request: Request, site: GivenSite, actor: GivenActor, given: OwnPassword
) -> None:
    """Change one's own password, in a session. Other sessions of the user end."""
    change_own_password(
        site.catalog,
        actor,
        current=given.current,
        password=given.password,
        session=session_of(request),
        guess=guess_of(request),
    )


@router.get("/users", operation_id="user.list")
def list_all(site: GivenSite) -> list[User]:
    """List users with their roles."""
    return list_users(site.catalog)


@router.post("/users", operation_id="user.add", status_code=201)
def add(site: GivenSite, actor: GivenActor, given: NewUser) -> User:
    """Make a user. From the first one on everybody has to sign in."""
    return add_user(site.catalog, actor, name=given.name, role=given.role, password=given.password)


@router.put("/users/{user}/role", operation_id="user.role")
def change_role(
    site: GivenSite, actor: GivenActor, user: UserName, role: Annotated[Role, Body(embed=True)]
) -> User:
    """Give a user another role. It counts from the next request on."""
    return set_role(site.catalog, actor, name=user, role=role)


@router.put("/users/{user}/password", operation_id="user.password")
def change_password(
    site: GivenSite,
    actor: GivenActor,
    user: UserName,
    password: Annotated[Password, Body(embed=True)],
) -> User:
    """Give a user another password. Sessions begun with the old one end."""
    return set_password(site.catalog, actor, name=user, password=password)


@router.post("/users/{user}/disable", operation_id="user.disable")
def disable(site: GivenSite, actor: GivenActor, user: UserName) -> User:
    """Shut a user out: sessions end, tokens are refused."""
    return set_disabled(site.catalog, actor, name=user, is_disabled=True)


@router.post("/users/{user}/enable", operation_id="user.enable")
def enable(site: GivenSite, actor: GivenActor, user: UserName) -> User:
    """Let a disabled user in again."""
    return set_disabled(site.catalog, actor, name=user, is_disabled=False)


@router.delete("/users/{user}", operation_id="user.remove", status_code=204)
def remove(site: GivenSite, actor: GivenActor, user: UserName) -> None:
    """Remove a user with tokens and sessions. The audit log keeps the name."""
    remove_user(site.catalog, actor, name=user)


@router.get("/tokens", operation_id="token.list")
def list_all_tokens(
    site: GivenSite,
    actor: GivenActor,
    user: Annotated[
        str, Query(description="Whose; without it one's own, of an admin all.", max_length=64)
    ] = "",
) -> list[Token]:
    """List tokens, without their secrets."""
    return list_tokens_for(site.catalog, actor, user=user)


@router.post("/tokens", operation_id="token.create", status_code=201)
def create(site: GivenSite, actor: GivenActor, given: WantedToken) -> NewToken:
    """Make a token. Its secret is in this answer and nowhere else."""
    return create_token(
        site.catalog,
        actor,
        user=given.user or actor.user,
        alias=given.alias,
        scopes=given.scopes,
        days=given.days,
    )


@router.post("/users/{user}/tokens/{alias}/pause", operation_id="token.pause")
def pause(site: GivenSite, actor: GivenActor, user: UserName, alias: TokenAlias) -> Token:
    """Have a token refused from the next request on, until it goes on."""
    return set_token_paused(site.catalog, actor, user=user, alias=alias, is_paused=True)


@router.post("/users/{user}/tokens/{alias}/resume", operation_id="token.resume")
def resume(site: GivenSite, actor: GivenActor, user: UserName, alias: TokenAlias) -> Token:
    """Have a paused token taken again; its secret is the same."""
    return set_token_paused(site.catalog, actor, user=user, alias=alias, is_paused=False)


@router.delete("/users/{user}/tokens/{alias}", operation_id="token.revoke", status_code=204)
def revoke(
    site: GivenSite,
    actor: GivenActor,
    user: UserName,
    alias: TokenAlias,
) -> None:
    """End a token: the next request with it is refused."""
    revoke_token(site.catalog, actor, user=user, alias=alias)


@router.get("/audit", operation_id="audit.list")
def list_entries(
    site: GivenSite,
    wanted: GivenAudit,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> Page[LogEntry]:
    """List what was changed, the newest first."""
    return page_of_entries(site.catalog, wanted.filter(limit), cursor)


@router.get("/audit.csv", operation_id="audit.download", response_class=StreamingResponse)
def download_csv(site: GivenSite, wanted: GivenAudit) -> StreamingResponse:
    """Download what was changed as CSV, the newest first; texts that a spreadsheet would take for formulas begin with `'`."""
    chunks = stream_csv(site.catalog, wanted.filter(None))
    return as_file(chunks, "audit.csv", media_type="text/csv; charset=utf-8")


@router.get("/audit.jsonl", operation_id="audit.download.json", response_class=StreamingResponse)
def download_json(site: GivenSite, wanted: GivenAudit) -> StreamingResponse:
    """Download what was changed as JSON, an entry a line, the newest first."""
    chunks = stream_json_lines(site.catalog, wanted.filter(None))
    return as_file(chunks, "audit.jsonl", media_type="application/jsonl")
