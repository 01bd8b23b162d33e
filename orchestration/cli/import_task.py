"""`waybill import`: data of any kind brought in by tasks that are made, started, stopped, gone on with, and looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli import web_options
from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, fail, reported
from orchestration.cli.import_task_answers import (
    print_answers,
    print_formats,
    print_items,
    print_task,
    print_tasks,
    progress_line,
)
from orchestration.cli.output import print_json
from orchestration.cli.saving import write_lines

if TYPE_CHECKING:
    from orchestration.services.import_tasks.records import TaskRecords
    from orchestration.services.import_tasks.shown import ImportTask
    from orchestration.services.import_tasks.steering import Answered
    from orchestration.services.runs.workplace import Workplace
    from resources.import_tasks.definition import TaskDefinition, WebSource

app = typer.Typer(
    no_args_is_help=True,
    help="Data brought in by tasks: documents, pages, pictures, sound, video, from uploads, connectors and the web.",
)

FOLLOW_SECONDS = 1.0

Number = Annotated[int, typer.Argument(help="Number of the task.")]
Numbers = Annotated[list[int], typer.Argument(help="Numbers of tasks.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Texts = list[str] | None
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="Most lines.")]


@app.command()
def create(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="Files of this machine.", show_default=False)] = None,
    *,
    into: Annotated[str, typer.Option("--into", help="The name of what it goes into; a dataset or an image folder is declared if there is none.")],
    kind: Annotated[str, typer.Option("--kind", help="What that is: collection, dataset, image_folder or classification_set.")] = "collection",
    folder: Annotated[str, typer.Option("--folder", help="Where items go there, such as site/north; where the collection says by default.")] = "",
    name: Annotated[str, typer.Option("--name", help="What people call the task; after its source by default.")] = "",
    connector: Annotated[str, typer.Option("--from", help="Or the connector whose objects are taken ...")] = "",
    path: Annotated[str, typer.Option("--path", help="... and a key or a glob there: 'reports/**/*.pdf'.")] = "",
    urls: web_options.Urls = None,
    url_list: web_options.UrlList = None,
    sitemap: web_options.Sitemap = "",
    depth: web_options.CrawlDepth = 0,
    same_site: web_options.SameSite = True,
    include: web_options.Include = None,
    exclude: web_options.Exclude = None,
    pages: web_options.Pages = None,
    delay: web_options.Delay = None,
    output: Annotated[str, typer.Option("--output", help="Texts as markdown, json or text; as the collection says by default.")] = "",
    no_title: Annotated[bool, typer.Option("--no-title", help="Call items after their files, not after their documents.")] = False,
    no_details: Annotated[bool, typer.Option("--no-details", help="Leave out what documents say of themselves: author, dates, description.")] = False,
    ocr: Annotated[bool, typer.Option("--ocr", help="Read text in pictures and in scanned pages.")] = False,
    keep_raw: Annotated[bool, typer.Option("--keep-raw", help="Keep the bytes of documents beside their text.")] = False,
    field: Annotated[Texts, typer.Option("--field", help="A key of your own and what fills it: 'year=path:/(\\d{4})/', 'who=metadata:author', 'no=regex:No\\. (\\d+)'. Repeatable.")] = None,
    new_version: Annotated[bool, typer.Option("--duplicates", help="Take bytes that another item of the folder has as an item of their own.")] = False,
    ignore_errors: Annotated[bool | None, typer.Option("--ignore-errors/--stop-on-error", help="Go on with the others when an item fails, or end with the first one; by default a collection goes on, and nothing else does.", show_default=False)] = None,
    setting: Annotated[Texts, typer.Option("--read", metavar="KEY=VALUE", help="How files of a dataset are read: format, member, or an option of the format; of a classification set encoding, list_delimiter, blank_clears. Repeatable.")] = None,
    start_it: Annotated[bool, typer.Option("--start", help="Work on it at once, to the end, in this process.")] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Make a task: what comes from where, into what. Without `--start` it waits until it is started."""
    web = web_options.WebOptions(urls, url_list, sitemap, depth, same_site, include, exclude, pages, delay)  # fmt: skip
    options = {
        "output": output, "title": not no_title, "details": not no_details, "ocr": ocr, "keep_raw": keep_raw,
        "fields": [_field(text) for text in field or ()], "on_duplicate": "new_version" if new_version else "skip",
        "ignore_errors": ignore_errors, "form": _form(kind, setting or []),
    }  # fmt: skip
    with reported():
        source = _source(files or [], connector, path, web.source())
        target = {"kind": kind, "name": into, "folder": folder}
        given = {"name": name, "target": target, "source": source, "options": options}
        made = _made(context, given, files or [], start_it=start_it)
    print_task(made, as_json=as_json)
    if start_it:
        _end(made)


def _made(
    context: typer.Context, given: dict[str, Any], files: list[Path], *, start_it: bool
) -> ImportTask:
    """The task of a definition; with `start_it` as it ended."""
    from msgspec import to_builtins

    from orchestration.services.import_tasks.handing_in import handed_in
    from orchestration.services.import_tasks.starting import create_task
    from resources.import_tasks.definition import parse_definition

    with handed_in(files) as uploads:
        if files:
            given["source"]["files"] = to_builtins(uploads)
        definition = parse_definition(given)
        _declare(context, definition)
        place = context.ensure_object(CommandContext).workplace()
        made = create_task(place, definition, start=False, via="cli")
    return _worked_on(place, made.id, is_retry=False) if start_it else made


@app.command("list")
def list_all(
    context: typer.Context,
    *,
    state: Annotated[Texts, typer.Option("--status", help="Only tasks in this state: not_started, importing, stopping, stopped, completed, failed, deleting. Repeatable.")] = None,
    search: Annotated[str, typer.Option("--search", help="Only tasks with this in their name.")] = "",
    into: Annotated[str, typer.Option("--into", help="Only tasks into this target.")] = "",
    sort: Annotated[str, typer.Option("--sort", help="created, changed, name, state, target, total, failed; '-' before it: the greatest first.")] = "-created",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """List tasks, newest first: how far each is, how fast, how long it takes yet, and how many there are in each state."""
    from orchestration.services.import_tasks.listing import TaskFilter, list_tasks

    with reported():
        wanted = TaskFilter(tuple(state or ()), search, sort, target=into, limit=limit)  # type: ignore[arg-type]  # looked at there
        found = list_tasks(_records(context), wanted)
    if as_json:
        print_json(found)
    else:
        print_tasks(found)


@app.command()
def show(
    context: typer.Context,
    number: Number,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Tell its progress until it comes to an end.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a task: what it was told, how far it is, what happened to it, and what can be done about it."""
    from orchestration.services.import_tasks.listing import show_task

    with reported():
        records = _records(context)
        found = show_task(records, number)
        told = ""
        while follow and found.is_working:
            if told != (told := progress_line(found)):
                typer.echo(told, err=as_json)
            time.sleep(FOLLOW_SECONDS)
            found = show_task(records, number)
    print_task(found, as_json=as_json)


@app.command()
def items(
    context: typer.Context,
    number: Number,
    *,
    state: Annotated[
        str, typer.Option("--status", help="Only those: pending, done, skipped, failed.")
    ] = "",
    search: Annotated[
        str, typer.Option("--search", help="Only items with this in their name.")
    ] = "",
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="`next` of the page before.", show_default=False)
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the items of a task in order, and what became of each."""
    from orchestration.services.import_tasks.items import list_items

    with reported():
        found = list_items(
            _records(context), number, state=state, q=search, cursor=cursor, limit=limit
        )
    if as_json:
        print_json(found)
    else:
        print_items(found)


@app.command()
def failures(
    context: typer.Context,
    number: Number,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write them to this .csv file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List all items that failed and were not mended since, each with its rule and its reason: CSV, one row an item."""
    from orchestration.services.import_tasks.items import failures as failed_items
    from orchestration.services.import_tasks.items import failures_csv

    with reported():
        if as_json:
            print_json(list(failed_items(_records(context), number)))
        else:
            write_lines(failures_csv(_records(context), number), output)


@app.command()
def start(context: typer.Context, numbers: Numbers, *, as_json: AsJson = False) -> None:
    """Begin with tasks, or go on with stopped ones, one after the other, in this process. Ends with 1 unless all are completed."""
    _work(context, numbers, as_json=as_json, is_retry=False)


@app.command()
def retry(context: typer.Context, numbers: Numbers, *, as_json: AsJson = False) -> None:
    """Take the failed items of tasks once more, and what is left of those that failed, in this process."""
    _work(context, numbers, as_json=as_json, is_retry=True)


@app.command()
def stop(context: typer.Context, numbers: Numbers, *, as_json: AsJson = False) -> None:
    """Stop tasks, wherever they are worked on. What they did stays; `start` goes on with the rest."""
    from orchestration.services.import_tasks.steering import stop_all

    with reported():
        told = stop_all(_records(context), numbers, _user(context))
    _answer(told, as_json=as_json)


@app.command()
def delete(
    context: typer.Context,
    numbers: Numbers,
    *,
    remove_records: Annotated[
        bool,
        typer.Option("--remove-records", help="Also remove what the tasks brought in."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove tasks and their uploads for ever; one that works stops first. What was imported stays, unless you say otherwise."""
    from orchestration.services.import_tasks.steering import delete_all

    what = "1 task" if len(numbers) == 1 else f"{len(numbers):,} tasks"
    records = "and the records that it brought in" if remove_records else "and its uploads"
    if not yes:
        typer.confirm(f"Remove {what} {records}? This cannot be undone", abort=True)
    with reported():
        told = delete_all(_records(context), numbers, _user(context), remove_records=remove_records)
    _answer(told, as_json=as_json)


@app.command()
def formats(*, as_json: AsJson = False) -> None:
    """List the formats that tasks take, and how much there may be."""
    from orchestration.services.import_tasks.formats import taken_formats

    with reported():
        found = taken_formats()
    if as_json:
        print_json(found)
    else:
        print_formats(found)


def _work(context: typer.Context, numbers: list[int], *, as_json: bool, is_retry: bool) -> None:
    done = []
    with reported():
        place = context.ensure_object(CommandContext).workplace()
        for number in dict.fromkeys(numbers):
            done.append(_worked_on(place, number, is_retry=is_retry))
            print_task(done[-1], as_json=as_json)
    for found in done:
        _end(found)


def _worked_on(place: Workplace, number: int, *, is_retry: bool) -> ImportTask:
    from orchestration.services.import_tasks.starting import retry_here, start_here

    work: Callable[..., ImportTask] = retry_here if is_retry else start_here
    return work(place, number, lambda _news: None)


def _source(
    files: list[Path],
    connector: str,
    path: str,
    web: WebSource | None,
) -> dict[str, Any]:
    given = [bool(files), bool(connector or path), web is not None]
    if sum(given) != 1:
        fail("name files, or `--from` with `--path`, or pages by `--url`, `--url-list` or `--sitemap`: one of them")  # fmt: skip
    if files:
        return {"type": "upload"}
    if connector or path:
        return {"type": "connector", "connector": connector, "path": path}
    from msgspec import to_builtins

    told: dict[str, Any] = to_builtins(web)
    return told


def _declare(context: typer.Context, definition: TaskDefinition) -> None:
    """A target that is not there yet; whoever works on the task reads the project anew then."""
    from orchestration.services.home import open_home
    from orchestration.services.import_tasks.new_targets import declare_target
    from orchestration.services.reloading import reload_server
    from resources.project import find_project

    own = context.ensure_object(CommandContext)
    if declare_target(find_project(), own.location, definition):
        own.forget_location()
        reload_server(open_home())


def _form(kind: str, settings: list[str]) -> dict[str, Any]:
    """How files are read, as the target's own form has it."""
    from orchestration.services.uploads.settings import parse_settings

    given = dict(parse_settings(format="", member="", options=settings, rename=()).options)
    if kind != "dataset":
        return given
    own: dict[str, Any] = {n: given.pop(n) for n in ("format", "member") if n in given}
    return {**own, "options": given} if given else own


def _field(text: str) -> dict[str, str]:
    key, _, rule = text.partition("=")
    source, _, pattern = rule.partition(":")
    return {"key": key, "source": source, "pattern": pattern}


def _records(context: typer.Context) -> TaskRecords:
    from orchestration.services.import_tasks.records import TaskRecords

    own = context.ensure_object(CommandContext)
    return TaskRecords.of(own.location, own.instance)


def _user(context: typer.Context) -> str:
    return context.ensure_object(CommandContext).user


def _answer(told: Iterable[Answered], *, as_json: bool) -> None:
    found = tuple(told)
    if as_json:
        print_json(found)
    else:
        print_answers(found)
    if not all(one.ok for one in found):
        raise typer.Exit(FAILED)


def _end(done: ImportTask) -> None:
    if done.state != "completed":
        raise typer.Exit(FAILED)
