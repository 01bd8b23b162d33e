"""Import tasks in the browser: the list with its tabs, one task with its items, and what their buttons do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup
from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.values import visible
from orchestration.pages.visit import Visit
from orchestration.services.access.audit import audited
from orchestration.services.access.rights import REMOVE_RECORDS, check_right
from orchestration.services.asking.passing import as_csv
from orchestration.services.import_tasks.items import failures_csv, list_items
from orchestration.services.import_tasks.listing import TaskFilter, list_tasks, show_task
from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.import_tasks.shown import ImportTask
from orchestration.services.import_tasks.steering import (
    Answered,
    delete_all,
    delete_task,
    stop_all,
    stop_task,
)
from orchestration.services.questions import import_task as questions
from orchestration.services.site.import_tasks import tasks_of
from orchestration.services.site.noted import noted
from resources.import_tasks.states import GOING, TITLES, TaskState
from resources.kernel.errors import ConflictError, NotFoundError

R = TypeVar("R")
TABS: tuple[tuple[str, tuple[TaskState, ...]], ...] = (
    ("", ()),
    ("not_started", ("not_started",)),
    ("importing", ("importing", "stopping")),
    ("stopped", ("stopped",)),
    ("completed", ("completed",)),
    ("failed", ("failed",)),
)
"""Tabs of the list, and the states that each shows. A task that is being deleted stands under all of them alone."""
ITEM_TABS = ("", "pending", "done", "skipped", "failed")
_KEPT = ("state", "q", "target_kind", "target", "sort", "cursor")
"""What the list's address says, and still says after something was done."""
_ON_PAGE = "task"
"""In the field `back`: the page of the task itself."""
_WHEN_ONE_FAILS = {True: "the others go on", False: "the task ends"}
"""What a task was told; else it is as its kind of target has it."""
_ITEMS_SHOWN = 50
_TOLD_NAMES = 20


async def _list(visit: Visit) -> Response:
    tab = visit.query("state")
    states = dict(TABS).get(tab, ())
    q, sort = visit.query("q").strip(), visit.query("sort") or "-created"
    wanted = TaskFilter(
        states=states,
        q=q,
        sort=sort,
        target_kind=visit.query("target_kind"),
        target=visit.query("target"),
        cursor=visit.query("cursor") or None,
    )
    found = await visit.run(list_tasks, _records(visit), wanted)
    template = "imports/table.html" if visit.is_fragment else "imports/list.html"
    return await _render(
        visit,
        template,
        page=found,
        tab=tab if states else "",
        q=q,
        sort=sort,
        states=_tabs(found.counts),
        is_busy=any(found.counts[state] for state in GOING),
        here=visit.request.url.query,
    )


async def _show(visit: Visit) -> Response:
    records, task_id = _records(visit), _task_id(visit)
    one = await visit.run(show_task, records, task_id)
    state = visit.query("state")
    found = await visit.run(
        list_items,
        records,
        task_id,
        state=state if state in ITEM_TABS else "",
        cursor=visit.query("cursor") or None,
        limit=_ITEMS_SHOWN,
    )
    return await _render(
        visit,
        "imports/live.html" if visit.is_fragment else "imports/show.html",
        one=one,
        page=found,
        item_state=state,
        item_states=_item_tabs(one),
        titles=TITLES,
        links=_links(visit, one),
        told=_told(one),
        here=_ON_PAGE,
    )


async def _failures(visit: Visit) -> Response:
    """All failures as a file; page by page they stand on the task's own page."""
    records, task_id = _records(visit), _task_id(visit)
    one = await visit.run(show_task, records, task_id)
    return as_csv(failures_csv(records, one.id), f"import-{one.id}-failures.csv")


async def _start(visit: Visit) -> Response:
    async def act(task_id: int) -> ImportTask:
        asking = visit.ask(questions.START, task_id=task_id, key="")
        return await noted(visit.site, visit.actor, "import.start", f"imports/{task_id}", asking)

    return await _act(visit, act, "was started")


async def _retry(visit: Visit) -> Response:
    async def act(task_id: int) -> ImportTask:
        asking = visit.ask(questions.RETRY, task_id=task_id, key="")
        return await noted(visit.site, visit.actor, "import.retry", f"imports/{task_id}", asking)

    return await _act(visit, act, "tries again what failed")


async def _stop(visit: Visit) -> Response:
    async def act(task_id: int) -> ImportTask:
        return await _audited(visit, "import.stop", f"imports/{task_id}", stop_task, task_id)

    return await _act(visit, act, "stops")


async def _act(visit: Visit, act: Callable[[int], Awaitable[ImportTask]], told: str) -> Response:
    """Does what a button says. A second click finds what the first has done, and that is told."""
    task_id = _task_id(visit)
    try:
        found = await act(task_id)
        text = f"{found.name} {told}."
    except ConflictError as error:
        text = error.message
    return await _told_back(visit, text, task_id)


async def _ask_delete(visit: Visit) -> Response:
    one = await visit.run(show_task, _records(visit), _task_id(visit))
    return await _ask(visit, [one], visit.query("back"))


async def _delete(visit: Visit) -> Response:
    form, task_id = await visit.form(), _task_id(visit)
    remove = form.get("remove_records") == "true"
    _check_removal(visit, "import.delete", remove=remove)
    left = await _audited(
        visit, "import.delete", f"imports/{task_id}", delete_task, task_id, remove_records=remove
    )
    return await _told_back(visit, "It is being deleted." if left else "The task was deleted.")


async def _start_all(visit: Visit) -> Response:
    ids = await _chosen(visit)
    if not ids:
        return await _told_back(visit, "No task was chosen.")
    asking = visit.ask(questions.START_ALL, ids=ids)
    told = f"{len(ids)} tasks"
    found = await noted(visit.site, visit.actor, "import.start-all", "imports", asking, told)
    return await _told_back(visit, _summary("started", found))


async def _stop_all(visit: Visit) -> Response:
    ids = await _chosen(visit)
    found = await _audited(visit, "import.stop-all", "imports", stop_all, ids) if ids else ()
    return await _told_back(visit, _summary("asked to stop", found))


async def _delete_all(visit: Visit) -> Response:
    """Deletes the tasks that were chosen, or asks first."""
    ids, form = await _chosen(visit), await visit.form()
    if not ids:
        return await _told_back(visit, "No task was chosen.")
    if not form.get("confirmed"):
        found = await visit.run(_those, _records(visit), ids)
        return await _ask(visit, found, str(form.get("back", "")))
    remove = form.get("remove_records") == "true"
    _check_removal(visit, "import.delete-all", remove=remove)
    answered = await _audited(
        visit, "import.delete-all", "imports", delete_all, ids, remove_records=remove
    )
    return await _told_back(visit, _summary("deleted", answered))


async def _ask(visit: Visit, tasks: Sequence[ImportTask], back: str) -> Response:
    own = f"/{tasks[0].id}" if back == _ON_PAGE and len(tasks) == 1 else f"?{_list_query(back)}"
    return await _render(
        visit,
        "imports/delete.html",
        has_records=any(one.target_kind == "collection" for one in tasks),
        tasks=tasks,
        here=_list_query(back),
        back=f"{visit.base}/imports{own}".rstrip("?"),
    )


async def _render(visit: Visit, template: str, **values: Any) -> Response:
    may_remove = visit.actor.may(REMOVE_RECORDS.role, REMOVE_RECORDS.scope)
    return await visit.render(
        template,
        visible=visible,
        may_remove=may_remove and values.pop("has_records", True),
        here_address=visit.address(),
        **values,
    )


async def _told_back(visit: Visit, text: str, task_id: int | None = None) -> Response:
    """Says what was done: a script puts the sentence into the page that is open, else the browser goes back to it."""
    form = await visit.form()
    if visit.is_fragment:
        answer = await visit.render("imports/said.html", text=text)
        answer.headers["HX-Trigger"] = "imports-changed"
        return answer
    back = str(form.get("back", ""))
    if task_id is not None and back == _ON_PAGE:
        return visit.redirect(f"/imports/{task_id}", notice=text)
    return visit.redirect(f"/imports?{_list_query(back)}".rstrip("?"), notice=text)


def _list_query(back: str) -> str:
    """What of an address is one of the list."""
    return urlencode([pair for pair in parse_qsl(back[:2_000]) if pair[0] in _KEPT])


async def _audited(
    visit: Visit, use_case: str, subject: str, act: Callable[..., R], *given: object, **more: object
) -> R:
    records, name = _records(visit), visit.actor.name

    def do() -> R:
        with audited(visit.site.catalog, visit.actor, use_case, subject) as change:
            change.detail = ", ".join(f"{key}: {value}" for key, value in more.items())
            return act(records, *given, name, **more)

    return await visit.run(do)


def _check_removal(visit: Visit, use_case: str, *, remove: bool) -> None:
    if remove:
        check_right(visit.actor, use_case, REMOVE_RECORDS)


async def _chosen(visit: Visit) -> list[int]:
    given = (await visit.form()).getlist("task")
    return [int(one) for one in given if isinstance(one, str) and one.isdecimal() and len(one) < 10]


def _those(records: TaskRecords, ids: Sequence[int]) -> list[ImportTask]:
    found = []
    for task_id in ids:
        try:
            found.append(show_task(records, task_id))
        except NotFoundError:
            continue  # deleted by somebody else meanwhile
    if not found:
        raise NotFoundError("none of these tasks is there any longer")
    return found


def _summary(done: str, answered: Sequence[Answered]) -> str:
    """What became of several tasks, in a sentence or two."""
    if not answered:
        return "No task was chosen."
    failed = [one for one in answered if not one.ok]
    told = [f"{len(answered) - len(failed)} {done}"] if len(failed) < len(answered) else []
    told += [f"{one.id}: {one.message}" for one in failed[:_TOLD_NAMES]]
    more = len(failed) - _TOLD_NAMES
    return "; ".join([*told, *([f"and {more} more"] if more > 0 else [])]) + "."


def _tabs(counts: Any) -> list[tuple[str, str, int]]:
    return [
        (
            name,
            TITLES[states[0]] if states else "All",
            sum(counts[state] for state in states) if states else counts["all"],
        )
        for name, states in TABS
    ]


def _item_tabs(one: ImportTask) -> list[tuple[str, str, int]]:
    counts = {"": one.total or 0, **{state: getattr(one, state) for state in ITEM_TABS if state}}
    return [(name, name.capitalize() or "All", counts[name]) for name in ITEM_TABS]


def _links(visit: Visit, one: ImportTask) -> list[tuple[str, str]]:
    """Where a task leads: to what it brought in, to its run here and in Dagster, to its failures as a file."""
    found = []
    if one.item_filter:
        words = urlencode({"filter": one.item_filter})
        place = f"{visit.base}/collections/{to_part(one.target)}?{words}"
        found.append((f"Its items in {one.target}", place))
    if one.run_id:
        found.append(("Its run", f"{visit.base}/runs/{to_part(one.run_id)}"))
        found.append(("Run and log in Dagster", f"/runs/{to_part(one.run_id)}"))
    if one.failed:
        found.append(("Failures as CSV", f"{visit.base}/imports/{one.id}/failures?format=csv"))
    return found


def _told(one: ImportTask) -> list[tuple[str, Markup]]:
    """What a task was told, as far as it is more than its target."""
    given = one.definition or {}
    source, options = given.get("source", {}), given.get("options", {})
    told = {
        "Addresses": ", ".join(source.get("addresses", ())[:_TOLD_NAMES]),
        "Sitemap": source.get("sitemap", ""),
        "Connector": source.get("connector", ""),
        "Path": source.get("path", ""),
        "Files": ", ".join(file["name"] for file in source.get("files", ())[:_TOLD_NAMES]),
        "Links followed": _crawl_words(source.get("crawl")),
        "Text as": options.get("output", ""),
        "Text in pictures": "is read" if options.get("ocr") else "",
        "As it came": "is kept" if options.get("keep_raw") else "",
        "Own fields": ", ".join(rule["key"] for rule in options.get("fields", ())),
        "When one item fails": _WHEN_ONE_FAILS.get(options.get("ignore_errors"), ""),
    }
    return [(label, visible(text)) for label, text in told.items() if text]


def _crawl_words(crawl: dict[str, Any] | None) -> str:
    if not crawl:
        return ""
    return f"{crawl['depth']} deep, at most {crawl['pages']:,} pages"


def _records(visit: Visit) -> TaskRecords:
    return tasks_of(visit.site, visit.project)


def _task_id(visit: Visit) -> int:
    return min(int(visit.request.path_params["task_id"]), 2**31 - 1)


_ONE = "/imports/{task_id:int}"
_POST = ("POST",)
ROUTES = [
    page("import.list", "/imports", _list),
    page("import.show", _ONE, _show),
    page("import.items", f"{_ONE}/items", _show),
    page("import.failures", f"{_ONE}/failures", _failures),
    page("import.start", f"{_ONE}/start", _start, methods=_POST),
    page("import.stop", f"{_ONE}/stop", _stop, methods=_POST),
    page("import.retry", f"{_ONE}/retry", _retry, methods=_POST),
    page("import.delete", f"{_ONE}/delete", _ask_delete),
    page("import.delete", f"{_ONE}/delete", _delete, methods=_POST),
    page("import.start-all", "/imports/-/start", _start_all, methods=_POST),
    page("import.stop-all", "/imports/-/stop", _stop_all, methods=_POST),
    page("import.delete-all", "/imports/-/delete", _delete_all, methods=_POST),
]
