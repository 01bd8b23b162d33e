"""`waybill token`: what programs send to the HTTP API in place of a password."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.errors import reported, warn
from orchestration.cli.output import print_json, print_table
from orchestration.services.access.actor import Scope

app = typer.Typer(
    no_args_is_help=True,
    help="API tokens: made once and never shown again, each for a user and a purpose.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
User = Annotated[str, typer.Argument(help="Name of the user whose token it is.")]
Alias = Annotated[str, typer.Argument(help="What its owner tells it from others by.")]


@app.command()
def create(
    user: User,
    alias: Alias,
    *,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may be used for; again for more. `read` by default."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="How long it is good for; without it for ever.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it. It is shown this once; only a hash of it is kept."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.access.tokens import create_token

    with reported():
        made = create_token(
            open_access(),
            shell_actor(),
            user=user,
            alias=alias,
            scopes=scope or [Scope.READ],
            days=days,
        )
    if as_json:
        print_json(made)
    else:
        typer.echo(made.secret)
        warn("it is shown this once: keep it where programs keep secrets")


@app.command("list")
def list_all(
    user: Annotated[str | None, typer.Argument(help="Whose tokens; all without it.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List tokens with what they may be used for, until when, and when they were last used. Not the tokens themselves."""
    from orchestration.services.access.shell import open_access
    from orchestration.services.access.tokens import list_tokens

    with reported():
        found = list_tokens(open_access(), user=user)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            token.user,
            token.alias,
            " ".join(token.scopes),
            token.made_at,
            "paused" if token.is_paused else "expired" if token.is_expired else "on",
            token.expires_at or "never",
            token.used_at or "never",
        )
        for token in found
    ]
    print_table(("user", "alias", "scopes", "made", "state", "expires", "last used"), rows)


@app.command()
def pause(user: User, alias: Alias, *, as_json: AsJson = False) -> None:
    """Have a token refused from the next request on, until it goes on."""
    _set_paused(user, alias, is_paused=True, as_json=as_json)


@app.command()
def resume(user: User, alias: Alias, *, as_json: AsJson = False) -> None:
    """Have a paused token taken again; its secret is the same."""
    _set_paused(user, alias, is_paused=False, as_json=as_json)


@app.command()
def revoke(user: User, alias: Alias, *, as_json: AsJson = False) -> None:
    """End a token: the next request with it is refused."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.access.tokens import revoke_token

    with reported():
        revoke_token(open_access(), shell_actor(), user=user, alias=alias)
    if as_json:
        print_json({"user": user, "revoked": alias})
    else:
        typer.echo(f"the token {alias} of {user} is worth nothing any more")


def _set_paused(user: str, alias: str, *, is_paused: bool, as_json: bool) -> None:
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.access.tokens import set_token_paused

    with reported():
        found = set_token_paused(
            open_access(), shell_actor(), user=user, alias=alias, is_paused=is_paused
        )
    if as_json:
        print_json(found)
    else:
        typer.echo(f"the token {alias} of {user} {'is paused' if is_paused else 'goes on'}")
