"""`waybill collection frames`: a video read out as images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import print_facts, print_json


def frames(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the collection.")],
    number: Annotated[int, typer.Argument(help="Id of the item: a video.")],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to: a new or an empty folder.")
    ],
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            min=0,
            help="Frames a second; 0: the first frame and the key frames. What the item's metadata say by default, else 1.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="jpeg, png or webp.")] = "jpeg",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Write frames of a video as images, and a list of them: the folder is there whole or not at all."""
    from orchestration.services.collections.frames import write_item_frames

    with reported():
        own = context.ensure_object(CommandContext)
        written = write_item_frames(own.location, own.user, name, number, rate, output, form)
    if as_json:
        print_json(written)
        return
    print_facts(
        [
            ("folder", written.folder),
            ("frames", written.frames),
            ("key frames", written.keyframes),
            ("a second", written.sampling_rate),
        ]
    )
