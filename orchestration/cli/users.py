"""`waybill user`: who may sign in, and what each may do."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from orchestration.cli.errors import reported, warn
from orchestration.cli.output import print_json, print_table
from orchestration.services.access.actor import Role

app = typer.Typer(
    no_args_is_help=True, help="People and programs that sign in, each with a name and a role."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Name = Annotated[str, typer.Argument(help="Name of the user.")]
_PASSWORD_BYTES = 10_000


@app.command("list")
def list_all(*, as_json: AsJson = False) -> None:
    """List the users, without anything of their passwords."""
    from orchestration.services.access.shell import open_access
    from orchestration.services.access.users import list_users

    with reported():
        found = list_users(open_access())
    if as_json:
        print_json(found)
        return
    rows = [
        (user.name, user.role, "disabled" if user.is_disabled else "active", user.made_at)
        for user in found
    ]
    print_table(("name", "role", "state", "made"), rows)


@app.command()
def add(
    name: Name,
    *,
    role: Annotated[
        Role, typer.Option(help="What the user may do; the first user has to be an admin.")
    ] = Role.VIEWER,
    as_json: AsJson = False,
) -> None:
    """Make a user. The password is asked for, or read from standard input. From the first user on everybody signs in."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.access.users import add_user

    with reported():
        catalog = open_access()
        made = add_user(catalog, shell_actor(), name=name, role=role, password=_new_password())
    if as_json:
        print_json(made)
    else:
        typer.echo(f"{made.name} may sign in, as {made.role}")


@app.command("role")
def change_role(
    name: Name,
    role: Annotated[Role, typer.Argument(help="What the user may do from now on.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give a user another role. It counts from the next request on, for tokens and open sessions too."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.access.users import set_role

    with reported():
        changed = set_role(open_access(), shell_actor(), name=name, role=role)
    if as_json:
        print_json(changed)
    else:
        typer.echo(f"{changed.name} is {changed.role} now")


@app.command("password")
def change_password(name: Name, *, as_json: AsJson = False) -> None:
    """Give a user another password, asked for or read from standard input. Open sessions of the user end."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.access.users import set_password

    with reported():
        catalog = open_access()
        changed = set_password(catalog, shell_actor(), name=name, password=_new_password())
    if as_json:
        print_json(changed)
    else:
        typer.echo(
            f"{changed.name} has another password; sessions begun with the old one have ended"
        )


@app.command()
def disable(name: Name, *, as_json: AsJson = False) -> None:
    """Shut a user out: sessions end, tokens are refused. Nothing is removed."""
    _set_disabled(name, is_disabled=True, as_json=as_json)


@app.command()
def enable(name: Name, *, as_json: AsJson = False) -> None:
    """Let a disabled user in again, with the same password and tokens."""
    _set_disabled(name, is_disabled=False, as_json=as_json)


@app.command()
def remove(name: Name, *, as_json: AsJson = False) -> None:
    """Remove a user with tokens and sessions. The audit log keeps the name."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.access.users import list_users, remove_user

    with reported():
        catalog = open_access()
        remove_user(catalog, shell_actor(), name=name)
        left = list_users(catalog)
    if not left:
        warn(
            "there is no user any more: anyone who reaches the server on this machine is its admin"
        )
    if as_json:
        print_json({"removed": name, "left": len(left)})
    else:
        typer.echo(f"{name} is removed")


def _set_disabled(name: str, *, is_disabled: bool, as_json: bool) -> None:
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.access.users import set_disabled

    with reported():
        changed = set_disabled(open_access(), shell_actor(), name=name, is_disabled=is_disabled)
    if as_json:
        print_json(changed)
    else:
        typer.echo(f"{name} is shut out" if is_disabled else f"{name} may sign in again")


def _new_password() -> str:
    """Typed in twice unseen; or the first line of standard input, for scripts. Never an argument: those are public."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline(_PASSWORD_BYTES).rstrip("\r\n")
