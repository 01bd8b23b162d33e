"""A change carried out: planned, judged with the whole project, written in one step.

Changes of one project wait for each other, so each is judged with all that came before it; nothing is written that breaks
something. A process that dies at any moment leaves the old file or the new one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import unified_diff
from pathlib import Path
from typing import Any

from orchestration.loading.documents import NAMES
from orchestration.loading.problems import Problem
from orchestration.location import Location
from orchestration.services.definition_files.documents import DefinitionFile, attribute_at
from orchestration.services.definition_files.emit import same
from orchestration.services.definition_files.found import read_file
from orchestration.services.definition_files.write import write
from orchestration.services.definitions.change import Changed, DefinitionChange, check_may_change
from orchestration.services.definitions.judge import Judgement, defs_root, judge
from orchestration.services.definitions.masking import shown
from orchestration.services.definitions.planning import (
    ChangePlan,
    Planner,
    python_places,
    refuse_fields,
)
from orchestration.services.forms.names import names_of
from orchestration.services.home import Home
from orchestration.services.locks import hold
from resources.kernel.errors import InUseError, said
from resources.project import ProjectFolders

_SHOWN = 20
_NAMED = re.compile(r"`(\w+):")


def planner_of(project: ProjectFolders, location: Location) -> Planner:
    """What works out changes of a project.

    Args:
        project: whose files are changed.
        location: what it declares, for names to choose from; a little old does no harm.
    """
    return Planner(
        defs_root(project), project.defs_module, names_of(location), python_places(location)
    )


def save(
    change: DefinitionChange,
    project: ProjectFolders,
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
        InUseError: something uses what is to be deleted.
        ForbiddenError: nothing may be changed here.
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


@contextmanager
def _turn(root: Path, home: Home) -> Iterator[None]:
    """Waits until no other process changes the project."""
    digest = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    with hold(home.locks / f"definitions-{digest}.lock", str(os.getpid()), wait=True):
        yield


def _check(change: DefinitionChange, plan: ChangePlan, verdict: Judgement) -> None:
    if plan.number is None:
        _check_unused(change, plan, verdict)
        return
    errors: dict[str, str] = {}
    others: list[str] = []
    settled = _settled(plan, verdict)
    for problem in verdict.broken:
        if _is_in(problem, plan.after, plan.number):
            field = _field_of(problem, plan, plan.number)
            if field.partition(".")[0] not in settled:
                errors[field] = _joined(errors.get(field, ""), field, problem)
        elif not (errors and problem.is_consequence):  # causes come first
            others.append(str(problem))
    refuse_fields(errors, others[:_SHOWN])


def _settled(plan: ChangePlan, verdict: Judgement) -> set[str]:
    """Attributes whose mistakes are not of this change: those that it leaves, of a definition that was broken before.

    A component tells its first mistake, so mending one may only show the next.
    """
    number = plan.number
    if number is None or number >= len(plan.before.definitions):
        return set()
    if not any(_is_in(problem, plan.before, number) for problem in verdict.before):
        return set()
    old, new = (f.definitions[number].attributes for f in (plan.before, plan.after))
    return {"", *(name for name in old if name in new and same(old[name], new[name]))}


def _field_of(problem: Problem, plan: ChangePlan, number: int) -> str:
    """The field that a problem is about, by its line, its words, or the name that it misses; empty where nothing says."""
    definition = plan.after.definitions[number]
    name = attribute_at(definition, plan.after.source, problem.line)
    if name in ("", "name"):
        named = _NAMED.search(problem.text)
        holder = _holder(definition.attributes, problem)
        name = holder or (named[1] if named and plan.form.field(named[1]) else name)
    return name if plan.form.field(name) else name.partition(".")[0]


def _holder(attributes: Mapping[str, Any], problem: Problem) -> str:
    """The attribute that names what nothing declares."""
    missing = problem.error.facts.get("name") if problem.error else None
    if not isinstance(missing, str):
        return ""
    found = (name for name, value in attributes.items() if _names(value, missing))
    return next((name for name in found if name != "name"), "")


def _names(value: Any, missing: str) -> bool:
    if isinstance(value, dict):
        return any(_names(inner, missing) for inner in value.values())
    if isinstance(value, list):
        return any(_names(inner, missing) for inner in value)
    return isinstance(value, str) and missing in (value, value.partition("/")[2])


def _check_unused(change: DefinitionChange, plan: ChangePlan, verdict: Judgement) -> None:
    broken = [p for p in verdict.broken if not p.is_consequence] or verdict.broken
    users = list(dict.fromkeys(_user(problem, plan.after) for problem in broken))
    if users:
        raise InUseError(
            f"{said(change.noun)} {change.name!r} stays, since it is used by {', '.join(users[:_SHOWN])}",
            hint="Change or delete these first",
            users=users,
        )


def _is_in(problem: Problem, file: DefinitionFile, number: int) -> bool:
    """Whether a problem is about the n-th definition of a file."""
    if problem.file != str(file.path):
        return False
    root = file.definitions[number].place.root
    first, last = (file.source.line_number(index) for index in (root.start, root.end))
    return first <= problem.line <= last


def _joined(before: str, field: str, problem: Problem) -> str:
    text = problem.text.removeprefix(f"{field}: ")
    text = f"{text}. {problem.hint}" if problem.hint else text
    return f"{before}; {text}" if before else text


def _user(problem: Problem, after: DefinitionFile) -> str:
    """Who uses it, as `Dataset 'orders' (file:line)`; of Python what is wrong there."""
    path, place = Path(problem.file), f"{problem.file}:{problem.line}"
    if path.name in NAMES:
        file = after if path == after.path else read_file(path)
        for number, definition in enumerate(file.definitions):
            if _is_in(problem, file, number):
                document = definition.document
                kind = said(document.type.rpartition(".")[2])
                return f"{kind} {document.name!r} ({place})"
    return f"{place} ({problem.text})"


def _changed(
    change: DefinitionChange,
    plan: ChangePlan,
    *,
    is_written: bool,
    verdict: Judgement | None = None,
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
