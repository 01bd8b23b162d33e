"""`waybill image-folder`: ZIPs of images uploaded, which folders there are, their images, and what is done to one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import print_facts, print_json, print_table, to_size, visible
from orchestration.cli.run import NoWait
from orchestration.cli.saving import STDOUT, write_file, write_out
from orchestration.cli.stored import remove_versions, retitle, tell_removal, tell_title
from orchestration.cli.upload import described, import_order, keeping_bar

if TYPE_CHECKING:
    from orchestration.services.uploads.importing import UploadOrder

app = typer.Typer(no_args_is_help=True, help="Image folders: images of an uploaded ZIP.")

Name = Annotated[str, typer.Argument(help="Name of the image folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Version = Annotated[int | None, typer.Option(help="Version; the newest by default.")]
Output = Annotated[
    str,
    typer.Option("--output", "-o", help="File to write, or - for standard output."),
]


@app.command()
def upload(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The ZIP: images alone, in folders if wanted.")],
    *,
    name: Annotated[
        str, typer.Option(help="Name of the image folder, which is declared if there is none.")
    ] = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Upload a ZIP of images: keep it, declare the image folder if there is none, import it.

    A second upload becomes the folder's next version; one that holds anything but images is refused with all of their
    names, and the version before stays. Runs in the server of `waybill up` if one is running, otherwise here.
    """
    from orchestration.services.uploads.importing import UploadOrder, given_files
    from orchestration.services.uploads.names import proposed_name

    with reported():
        if not name:
            raise typer.BadParameter(
                f"give --name NAME, for instance --name {proposed_name(file.name)}"
            )
        user = context.ensure_object(CommandContext).user
        order = UploadOrder(name, given_files([file]), user)
    import_order(context, order, _keep, no_wait=no_wait, as_json=as_json)


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List every image folder: how its last upload ended, how many images it holds."""
    with reported():
        found = context.ensure_object(CommandContext).image_folders()
    if as_json:
        print_json(found)
    else:
        header = ("name", "title", "status", "images", "size", "version", "updated (UTC)", "reason")
        print_table(
            header,
            [
                (
                    one.name,
                    one.title if one.title != one.name else "",
                    one.status,
                    one.images,
                    to_size(one.size_bytes),
                    one.version,
                    one.updated_at,
                    one.reason,
                )
                for one in found
            ],
        )


@app.command()
def show(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show an image folder: what it holds, which ZIP it was made of, its versions."""
    from orchestration.services.dataset_titles import read_titles
    from orchestration.services.image_folders.listing import show_folder

    with reported():
        own = context.ensure_object(CommandContext)
        entry = own.image_folder(name)
        tried = own.states([entry]).get(entry.key)
        found = show_folder(entry, tried, own.store, read_titles().get(entry.key))
    if as_json:
        print_json(found)
        return
    summary = found.summary
    print_facts(
        [
            ("image folder", summary.name),
            ("title", summary.title if summary.title != summary.name else ""),
            ("description", found.description),
            ("status", summary.status),
            ("reason", summary.reason),
            ("images", summary.images),
            ("folders", summary.folders),
            ("duplicates", summary.duplicates),
            ("size", to_size(summary.size_bytes)),
            ("file", found.file),
            ("uploaded by", found.uploaded_by),
            ("used by", found.used_by),
            ("owners", found.owners),
        ]
    )
    if found.versions:
        typer.echo()
        header = ("version", "created (UTC)", "images", "run")
        print_table(header, [(v.version, v.created_at, v.rows, v.run_id) for v in found.versions])


@app.command()
def files(
    context: typer.Context,
    name: Name,
    *,
    folder: Annotated[str, typer.Option(help="Only those below this folder.")] = "",
    search: Annotated[str, typer.Option(help="Only those with this in their path.")] = "",
    version: Version = None,
    as_json: AsJson = False,
) -> None:
    """List the images of a version in the order of their paths."""
    from orchestration.services.image_folders.images import ImagesQuery, list_images

    with reported():
        own = context.ensure_object(CommandContext)
        query = ImagesQuery(folder=folder, search=search, version=version, limit=None)
        found = list_images(own.store, own.image_folder(name).key, query)
    if as_json:
        print_json(found.items)
        return
    header = ("path", "format", "width", "height", "size", "duplicate of")
    print_table(
        header,
        [
            (i.path, i.format, i.width, i.height, to_size(i.size_bytes), i.duplicate_of)
            for i in found.items
        ],
        limit=100,
    )


@app.command()
def file(
    context: typer.Context,
    name: Name,
    path: Annotated[str, typer.Argument(help="Its path: folder/file.png.")],
    *,
    version: Version = None,
    as_json: AsJson = False,
) -> None:
    """Show an image: size, format, which others have the same bytes."""
    from orchestration.services.image_folders.images import show_image

    with reported():
        own = context.ensure_object(CommandContext)
        found = show_image(own.store, own.image_folder(name).key, path, version)
    if as_json:
        print_json(found)
        return
    image = found.image
    print_facts(
        [
            ("path", image.path),
            ("format", image.format),
            ("width", image.width),
            ("height", image.height),
            ("size", to_size(image.size_bytes)),
            ("sha256", image.sha256),
            ("same bytes", found.twins),
            ("version", found.version),
        ]
    )


@app.command()
def image(
    context: typer.Context,
    name: Name,
    path: Annotated[str, typer.Argument(help="Its path: folder/file.png.")],
    *,
    version: Version = None,
    output: Output = "",
) -> None:
    """Write one image to a file: the bytes that were uploaded."""
    from orchestration.services.image_folders.content import open_image

    with reported():
        own = context.ensure_object(CommandContext)
        found = open_image(own.store, own.image_folder(name).key, path, version)
        if output == STDOUT:
            write_out(found.chunks)
            return
        target, size = write_file(found.chunks, found.file_name, output)
    typer.echo(f"{target}: {to_size(size)}", err=True)


@app.command()
def download(
    context: typer.Context,
    name: Name,
    *,
    version: Version = None,
    output: Output = "",
) -> None:
    """Write a version to a ZIP: the same images, byte for byte, under the same names.

    A file that cannot be written whole is not written at all.
    """
    from orchestration.services.image_folders.content import download_images

    with reported():
        own = context.ensure_object(CommandContext)
        found = download_images(own.store, own.image_folder(name).key, version)
        if output == STDOUT:
            write_out(found.chunks)
            return
        target, size = write_file(found.chunks, found.file_name, output)
    said = f"{target}: version {found.version}, {found.images:,} images, {to_size(size)}"
    typer.echo(said, err=True)


@app.command()
def rename(
    context: typer.Context,
    name: Name,
    *,
    title: Annotated[
        str | None, typer.Option(help="What lists and pages call it; empty takes it back.")
    ] = None,
    description: Annotated[
        str | None, typer.Option(help="What it is, in Markdown; empty takes it back.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a line.")] = False,
) -> None:
    """Give an image folder a title and a description for people. Its name, by which YAML and SQL know it, stays."""
    with reported():
        own = context.ensure_object(CommandContext)
        found = retitle(own, own.image_folder(name), title, description)
    tell_title("image folder", name, found, as_json=as_json)


@app.command()
def remove(
    context: typer.Context,
    name: Name,
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also when others are made from it, or a run is making it."),
    ] = False,
    definition: Annotated[
        bool,
        typer.Option(help="Whether what declares it is taken out of the YAML as well."),
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a line.")] = False,
) -> None:
    """Remove an image folder: all versions, and what declares it. Its images go when nothing else needs their bytes.

    Refused while others are made from it, by name. A definition that something uses stays, and all versions with it,
    forced or not.
    """
    with reported():
        own = context.ensure_object(CommandContext)
        question = "" if yes else f"Remove image folder {name} with all versions?"
        found = remove_versions(
            own, own.image_folder(name), question=question, force=force, definition=definition
        )
    if as_json:
        print_json(found)
    else:
        tell_removal(f"image folder {name}", found)


def _keep(context: typer.Context, order: UploadOrder, *, no_wait: bool, as_json: bool) -> int:
    """Keeps the ZIP, and has the process that will import it know the image folder; the upload's number."""
    from orchestration.services.home import open_home
    from orchestration.services.reloading import reload_server
    from orchestration.services.runs.launch import require_server
    from orchestration.services.uploads.images import bring_in_images, check_zip, is_declared
    from resources.project import find_project

    own, home = context.ensure_object(CommandContext), open_home()
    if no_wait:
        require_server(home)
    check_zip(order.files)
    declared = is_declared(own.location, order.name)
    with keeping_bar(order, quiet=as_json) as tell:
        kept = bring_in_images(own.store, find_project(), order, declared=declared, tell=tell)
    if not declared:
        own.forget_location()
        reload_server(home)
    if not as_json:
        typer.echo(f"kept {visible(described(order))} as upload {kept.number} of {order.name}")
    return kept.number
