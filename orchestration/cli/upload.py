"""`waybill dataset upload`: files of this machine become a dataset, or its next version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.datasource import print_look
from orchestration.cli.errors import FAILED, reported
from orchestration.cli.output import make_console, print_json, to_size, visible
from orchestration.cli.run import NoWait, launch, start

if TYPE_CHECKING:
    from orchestration.location import Location
    from orchestration.services.uploads.importing import UploadOrder
    from orchestration.services.uploads.settings import UploadSettings


class Keep(Protocol):
    """Keeps the files of an order, and has the process that will import them know what they become."""

    def __call__(
        self, context: typer.Context, order: UploadOrder, *, no_wait: bool, as_json: bool
    ) -> int:
        """The number of what was kept."""


Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="An option of the format. Repeatable."),
]
Renames = Annotated[
    list[str] | None,
    typer.Option("--rename", metavar="OLD=NEW", help="Another name for a column. Repeatable."),
]


def upload(  # noqa: PLR0913 - a parameter an option
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="The file; several files become one table.")],
    *,
    name: Annotated[
        str, typer.Option(help="Name of the dataset, which is declared if there is none.")
    ] = "",
    file_format: Annotated[
        str,
        typer.Option("--format", help="csv, excel, json, jsonl or parquet; by the file's name."),
    ] = "",
    member: Annotated[str, typer.Option(help="Of a ZIP archive: the member, or a glob.")] = "",
    options: Options = None,
    rename: Renames = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show types, rows and guesses, and keep nothing.")
    ] = False,
    rows: Annotated[int, typer.Option("--rows", "-n", help="How many rows to preview.")] = 20,
    no_wait: NoWait = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Upload files of this machine as a dataset: keep them, declare it if there is none, import them.

    A second upload becomes the dataset's next version; one that cannot be read leaves the version before and stays for
    `waybill refresh`. Runs in the server of `waybill up` if one is running, otherwise here.
    """
    from orchestration.services.uploads.settings import parse_settings

    with reported():
        settings = parse_settings(
            format=file_format, member=member, options=options or (), rename=rename or ()
        )
        if preview:
            _preview(files, settings, rows, name, as_json=as_json)
            return
        if not name:
            raise typer.BadParameter(f"give --name NAME, for instance --name {_proposed(files)}")
        order = _order(files, name, settings, context.ensure_object(CommandContext).user)
    import_order(context, order, _keep, no_wait=no_wait, as_json=as_json)


def import_order(
    context: typer.Context, order: UploadOrder, keep: Keep, *, no_wait: bool, as_json: bool
) -> None:
    """Keeps the files of an order and has them imported. Until its run has them, no removal takes their bytes."""
    from orchestration.services.home import open_home
    from orchestration.services.runs.launch import import_upload, start_import
    from orchestration.services.uploads.pending import uploading

    with reported():
        home = open_home()
    with uploading(home, order.name, order.upload_id):
        with reported():
            number = keep(context, order, no_wait=no_wait, as_json=as_json)
        if no_wait:
            start(context, partial(start_import, number=number), order.name, as_json=as_json)
        else:
            launch(context, partial(import_upload, number=number), order.name, as_json=as_json)


def _proposed(files: Sequence[Path]) -> str:
    from orchestration.services.uploads.names import proposed_name

    return proposed_name(files[0].name)


def _order(files: Sequence[Path], name: str, settings: UploadSettings, user: str) -> UploadOrder:
    from orchestration.services.uploads.importing import UploadOrder, given_files

    return UploadOrder(name, given_files(files), user, settings)


def _preview(
    files: Sequence[Path], settings: UploadSettings, rows: int, name: str, *, as_json: bool
) -> None:
    from orchestration.services.uploads.importing import given_files
    from orchestration.services.uploads.previews import preview_upload

    found = preview_upload(given_files(files), settings, rows=rows, name=name)
    if as_json:
        print_json(found)
    else:
        print_look(found)
    if not found.ok:
        raise typer.Exit(FAILED)


def _keep(context: typer.Context, order: UploadOrder, *, no_wait: bool, as_json: bool) -> int:
    """Keeps the files, and has the process that will import them know the dataset; the upload's number."""
    from orchestration.services.home import open_home
    from orchestration.services.reloading import reload_server
    from orchestration.services.runs.launch import require_server
    from orchestration.services.stores import open_store
    from orchestration.services.uploads.importing import bring_in
    from resources.project import find_project

    own, home = context.ensure_object(CommandContext), open_home()
    if no_wait:
        require_server(home)
    known = (*own.snapshot.datasets, *own.snapshot.image_folders)
    is_new = order.name not in {entry.name for entry in known}
    store = open_store(own.snapshot.store)
    declared = None if is_new else _declared(own.location, order.name)
    with keeping_bar(order, quiet=as_json) as tell:
        kept = bring_in(store, find_project(), order, declared, tell)
    if declared is None:
        own.forget_location()
        reload_server(home)
    if not as_json:
        typer.echo(f"kept {visible(described(order))} as upload {kept.number} of {order.name}")
    return kept.number


def _declared(location: Location, name: str) -> UploadSettings | None:
    from orchestration.services.uploads.importing import declared_settings

    return declared_settings(location, name)


def described(order: UploadOrder) -> str:
    """The files of an order, for people."""
    first, *more = order.files
    size = to_size(sum(file.path.stat().st_size for file in order.files))
    return f"{first.name}{f' and {len(more)} more files' if more else ''} ({size})"


@contextmanager
def keeping_bar(order: UploadOrder, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar over the bytes of all files, at a terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = make_console()
    with Progress(
        TextColumn("keeping"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as progress:
        total = sum(file.path.stat().st_size for file in order.files)
        task = progress.add_task("keeping", total=total)
        yield lambda taken: progress.advance(task, taken)
