"""`waybill init`."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.errors import reported, warn
from orchestration.cli.output import print_json

if TYPE_CHECKING:
    from orchestration.services.new_project import Plan, WrittenFiles


def init(
    folder: Annotated[str, typer.Argument(help="Folder of the project; made if it is not there.")],
    *,
    name: Annotated[
        str, typer.Option(help="Name of the project and its package; the folder's by default.")
    ] = "",
    example: Annotated[
        str,
        typer.Option(
            help="What defs/ starts with: orders, demo (the flights of `waybill demo`) or none."
        ),
    ] = "orders",
    requirement: Annotated[
        str,
        typer.Option(
            help="How pyproject.toml names Waybill, such as 'waybill @ git+https://HOST/waybill@COMMIT';"
            " what it was installed from by default."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Make a project of your own: definitions, settings and tests for a repository of yours.

    Changes no existing file: if one is in the way, it says which and writes nothing. In an existing project, such as a
    fresh clone, it makes what this machine lacks: `.env` and the home folder.
    """
    from orchestration.services.new_project import folder_of, make_project, plan_project

    with reported():
        plan = plan_project(folder_of(folder), name=name, example=example, requirement=requirement)
        made = make_project(plan)
    if as_json:
        print_json(
            {
                "project": str(made.root),
                "home": str(made.home),
                "made": [str(path) for path in made.made],
                "kept": [str(path) for path in made.kept],
                "notes": made.notes,
            }
        )
        return
    _print(plan, made)


def _print(plan: Plan, made: WrittenFiles) -> None:
    for path in made.made:
        typer.echo(f"made  {path}")
    for path in made.kept:
        typer.echo(f"kept  {path}")
    typer.echo(
        f"\nproject  {made.root}\nhome     {made.home}   (data and runs; WAYBILL_HOME in .env)"
    )
    for note in made.notes:
        warn(note)
    if made.root / "pyproject.toml" in made.made:
        typer.echo("\nnext:\n  " + "\n  ".join(_steps(made.root, plan.example)))


def _steps(root: Path, example: str) -> list[str]:
    first = {"orders": ["refresh orders"], "demo": ["demo"]}.get(example, [])
    enter = [] if root == Path.cwd() else [f"cd {shlex.quote(str(root))}"]
    return [*enter, *(f"{_own_name()} {step}" for step in ("check", *first, "up"))]


def _own_name() -> str:
    """How this command is called elsewhere: by its name where the shell finds it, else by its path."""
    own, found = Path(sys.argv[0]).absolute(), shutil.which("waybill")
    return (
        "waybill" if found and own.exists() and Path(found).samefile(own) else shlex.quote(str(own))
    )
