"""A project with mistakes, served all the same: what was left out is shown where its user looks.

`waybill up` and the command line leave out what has a mistake; `dg check defs`, `dg launch`, a deployment and CI
refuse the whole, since the report might go unread.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from orchestration.loading import BAD_FILES, LEAVE_OUT, PROBLEMS, REFUSE
from orchestration.loading.problems import SHOWN, Problem
from orchestration.loading.project import Project
from resources.kernel.errors import ConfigError
from resources.stores.ui_metadata import escape_markdown

GROUP = "problems"


def leaves_out() -> bool:
    """Whether this process serves what can be loaded; by default a mistake ends the load.

    Raises:
        ConfigError: the variable says something else.
    """
    given = os.environ.get(BAD_FILES, REFUSE)
    if given not in (LEAVE_OUT, REFUSE):
        raise ConfigError(f"{BAD_FILES} is {given!r}", hint=f"Known: {LEAVE_OUT}, {REFUSE}")
    return given == LEAVE_OUT


def with_problems(project: Project) -> dg.Definitions:
    """The definitions, and beside them an asset for each file that has a problem: the UI has no other place for one.

    The problems themselves are metadata of the whole: the server prints them where it was started.
    """
    files: dict[str, list[Problem]] = {}
    for problem in project.problems:
        files.setdefault(problem.file, []).append(problem)
    if not files:
        return project.definitions
    told = [_told(file, found) for file, found in files.items()]
    lines = [str(problem) for problem in project.problems[:SHOWN]]
    if (more := len(project.problems) - SHOWN) > 0:
        lines.append(f"and {more:,} more; `waybill check` names all")
    own = dg.Definitions(assets=told, metadata={PROBLEMS: dg.MetadataValue.json(lines)})
    return dg.Definitions.merge(project.definitions, own)


def _told(file: str, problems: list[Problem]) -> dg.AssetSpec:
    path = Path(file)
    parts = [_plain(part) for part in (path.parent.name, path.name) if part]
    lines = [escape_markdown(str(problem), 600) for problem in problems]
    return dg.AssetSpec(
        dg.AssetKey([GROUP, *parts]),
        group_name=GROUP,
        kinds={"error"},
        description="Not loaded, or not read:\n\n" + "\n".join(f"- {line}" for line in lines),
        metadata={
            "problems": dg.MetadataValue.int(len(problems)),
            "dagster/code_references": dg.CodeReferencesMetadataValue(
                code_references=[
                    dg.LocalFileCodeReference(file_path=p.file, line_number=p.line)
                    for p in problems[:20]
                ]
            ),
        },
    )


def _plain(text: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in text)
