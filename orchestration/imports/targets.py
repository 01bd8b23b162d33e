"""The kinds of targets that tasks know."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.imports.classification_set import ClassificationSetTarget
from orchestration.imports.collection import CollectionTarget
from orchestration.imports.dataset import DatasetTarget
from orchestration.imports.image_folder import ImageFolderTarget
from orchestration.imports.target import TASK_TAG, TaskTarget
from resources.import_tasks.definition import TargetKind
from resources.kernel.errors import InputError
from resources.stores.catalog.import_tasks.records import StoredTask

TARGETS: Mapping[TargetKind, TaskTarget] = {
    one.kind: one
    for one in (CollectionTarget(), DatasetTarget(), ImageFolderTarget(), ClassificationSetTarget())
}
"""By kind."""


def target_of(kind: TargetKind) -> TaskTarget:
    """How tasks go into things of a kind.

    Raises:
        InputError: they do not.
    """
    if kind not in TARGETS:
        raise InputError(
            f"import tasks do not go into a {kind.replace('_', ' ')}",
            hint=f"They go into {', '.join(TARGETS)}",
        )
    return TARGETS[kind]


def tags_of(task: StoredTask) -> dict[str, str]:
    """The tags by which the runs of a task are found."""
    return {**target_of(task.target_kind).tags(task), TASK_TAG: str(task.id)}
