"""A change carried out: planned, judged with the whole project, written in one step.

Changes of one project wait for each other, so each is judged with all that came before it; nothing is written that breaks
something. Whoever dies at any moment leaves the old file or the new one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import unified_diff
from pathlib import Path

from orchestration.loading.documents import NAMES
from orchestration.loading.problems import Problem
from orchestration.location import Location
from orchestration.services.definition_files.documents import attribute_at
from orchestration.services.definition_files.found import read_file
from orchestration.services.definition_files.write import write
from orchestration.services.definitions.change import Change, Changed
from orchestration.services.definitions.judge import Verdict, defs_root, judge
from orchestration.services.definitions.masking import shown
from orchestration.services.definitions.planning import Plan, Planner, python_places, refuse_fields
from orchestration.services.forms.names import names_of
from orchestration.services.home import Home
from orchestration.services.locks import hold
from resources.kernel.errors import ConfigError
from resources.project import Project

READ_ONLY = "WAYBILL_READ_ONLY"
_SHOWN = 20


def is_read_only() -> bool:
    """Whether definitions are changed elsewhere, such as in a repository that is deployed from."""
    return os.environ.get(READ_ONLY, "") not in ("", "0")


def planner_of(project: Project, location: Location) -> Planner:
    """What works out changes of a project.

    Args:
        project: whose files are changed.
        location: what it declares, for names to choose from; a little old does no harm.
    """
    return Planner(
        defs_root(project), project.defs_module, names_of(location), python_places(location)
    )


def save(
    change: Change,
    project: Project,
    location: Location,
    home: Home,
    *,
    dry_run: bool = False,
    wrote: Callable[[Changed], None] = lambda _changed: None,
) -> Changed:
    """Makes a change, or says what it would be.

    Args:
        change: what is asked for.
        project: whose files are changed.
        location: what it declares.
        home: where changes wait for each other.
        dry_run: whether nothing is to be written.
        wrote: told of what was written.

    Raises:
        InputError: what is given cannot stand, or would break something: the facts `errors` by field, `problems` elsewhere.
        UnknownNameError: there is nothing of that name.
        ConflictError: it was changed meanwhile; with both sides.
        ConfigError: nothing may be changed here, or not this way; something uses what is to be deleted.
        StorageError: the file cannot be written.
    """
    check_may_change()
    planner = planner_of(project, location)
    with _turn(planner.root, home):
        plan = planner.plan(change)
        if plan.after.source == plan.before.source:
            return _changed(change, plan, is_written=False)
        verdict = judge(project, {plan.after.path: plan.after.source.text or None})
        _check(change, plan, verdict)
        done = _changed(change, plan, is_written=not dry_run, verdict=verdict)
        if not dry_run:
            write(plan.before, plan.after, planner.root)
            wrote(done)
    return done


def check_may_change() -> None:
    """Nothing, where definitions may be changed.

    Raises:
        ConfigError: they are read only.
    """
    if is_read_only():
        raise ConfigError(
            f"definitions are read only here: {READ_ONLY} is set",
            hint="Change them where they come from, such as the project's repository",
        )


@contextmanager
def _turn(root: Path, home: Home) -> Iterator[None]:
    """Waits until no other process changes the project."""
    digest = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    with hold(home.locks / f"definitions-{digest}.lock", str(os.getpid()), wait=True):
        yield


def _check(change: Change, plan: Plan, verdict: Verdict) -> None:
    if not verdict.broken:
        return
    if plan.number is None:
        direct = [p for p in verdict.broken if not p.is_consequence] or verdict.broken
        users = list(dict.fromkeys(map(_user, direct)))
        raise ConfigError(
            f"{change.noun} {change.name!r} stays, since it is used by {', '.join(users[:_SHOWN])}",
            hint="Change or delete these first",
            users=users,
        )
    errors: dict[str, str] = {}
    others: list[str] = []
    definition = plan.after.definitions[plan.number]
    first = plan.after.source.line_number(definition.place.root.start)
    last = plan.after.source.line_number(definition.place.root.end)
    for problem in verdict.broken:
        if problem.file == str(plan.after.path) and first <= problem.line <= last:
            name = attribute_at(definition, plan.after.source, problem.line)
            field = name if plan.form.field(name) else name.partition(".")[0]
            errors[field] = _joined(errors.get(field, ""), field, problem)
        elif not (errors and problem.is_consequence):  # causes come first
            others.append(str(problem))
    refuse_fields(errors, others[:_SHOWN])


def _joined(before: str, field: str, problem: Problem) -> str:
    text = problem.text.removeprefix(f"{field}: ")
    text = f"{text}. {problem.hint}" if problem.hint else text
    return f"{before}; {text}" if before else text


def _user(problem: Problem) -> str:
    """Who uses it, as `dataset orders (file:line)`; of Python what is wrong there."""
    path = Path(problem.file)
    place = f"{problem.file}:{problem.line}"
    for definition in read_file(path).definitions if path.name in NAMES else ():
        document, end = definition.document, definition.place.root.end
        if document.line() <= problem.line <= read_file(path).source.line_number(end):
            noun = document.type.rpartition(".")[2]
            return f"{noun} {document.name!r} ({place})"
    return f"{place} ({problem.text})"


def _changed(
    change: Change, plan: Plan, *, is_written: bool, verdict: Verdict | None = None
) -> Changed:
    before, after = shown(plan.before), shown(plan.after)
    definition = None if plan.number is None else plan.after.definitions[plan.number]
    return Changed(
        action=change.action,
        noun=change.noun,
        name=change.name,
        type=plan.type,
        file=str(plan.after.path),
        line=definition.document.line() if definition else 0,
        is_written=is_written,
        before=before,
        after=after,
        diff=_diff(before, after, _short(plan.after.path)),
        revision=definition.revision if definition else "",
        warnings=tuple(map(str, verdict.warnings)) if verdict else (),
    )


def _short(path: Path) -> str:
    """A component file's path from the folder above its own."""
    return "/".join(path.parts[-3:])


def _diff(before: str, after: str, name: str) -> str:
    old, new = (text.splitlines(keepends=True) for text in (before, after))
    lines = unified_diff(
        old,
        new,
        f"{name} as it is" if old else "/dev/null",
        f"{name} as it will be" if new else "/dev/null",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
