"""What is asked for, and what came of it: plain values, for every face."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from resources.kernel.errors import ForbiddenError

READ_ONLY = "WAYBILL_READ_ONLY"
"""Set to 1: everybody is a viewer, whatever the role, and definitions are as they are."""

Action = Literal["create", "edit", "delete"]

USE_CASES = {
    "connector": "connector",
    "datasource": "datasource",
    "dataset": "dataset",
    "transform": "transform",
    "model": "model",
    "prediction": "prediction",
    "embedding": "embedding",
    "exporter": "exporter",
    "classification set": "classification",
    "collection": "collection",
    "metadata schema": "schema",
    "image folder": "image-folder",
    "pipeline": "pipeline",
}
"""Nouns that are declared, and what the names of their use cases begin with."""


@dataclass(frozen=True)
class DefinitionChange:
    """A change of one definition.

    Args:
        action: what to do.
        noun: of what: `connector`, `dataset`, `classification set`.
        name: what it is called.
        type: of something new: a type's name, its short form (`s3`), or a variant of one (`postgresql`).
        values: attributes to set, as YAML has them; `schedule.cron` is one inside another.
        texts: attributes to set, as texts of a form or a command line.
        unset: attributes to leave out from now on.
        revision: of what the change was made from; empty takes whatever is there.
        is_form: whether `texts` are all that a form showed, so that empty ones are left out.
    """

    action: Action
    noun: str
    name: str
    type: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    revision: str = ""
    is_form: bool = False


@dataclass(frozen=True)
class Changed:
    """What a change came to, or would.

    Args:
        action: what was done.
        noun: of what.
        name: what it is called.
        type: as YAML names it.
        file: that was written or removed.
        line: where the definition begins in it; 0 when it is gone.
        is_written: whether the file is what `after` says now.
        before: the file's text; empty where there was none.
        after: the file's text; empty where it is gone.
        diff: between the two, as `diff -u` has it; empty when nothing changes.
        revision: of the definition as it is now.
        warnings: what is probably not meant like this.
    """

    action: Action
    noun: str
    name: str
    type: str
    file: str
    line: int
    is_written: bool
    before: str
    after: str
    diff: str
    revision: str = ""
    warnings: tuple[str, ...] = ()


def is_read_only() -> bool:
    """Whether definitions are changed elsewhere, such as in a repository that is deployed from."""
    return os.environ.get(READ_ONLY, "") not in ("", "0")


def check_may_change() -> None:
    """Nothing, where definitions may be changed.

    Raises:
        ForbiddenError: they are read only.
    """
    if is_read_only():
        raise ForbiddenError(
            f"definitions are read only here: {READ_ONLY} is set",
            hint="Change them where they come from, such as the project's repository",
        )
