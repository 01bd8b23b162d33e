"""A run repeated: one that failed from the step where it did, one that was stopped from its beginning.

Dagster goes on behind the steps that were done only if the run failed: of one that was terminated it does not know
what is whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.execution.api import create_execution_plan
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.snap import snapshot_from_execution_plan
from dagster._core.storage.tags import (
    PARENT_RUN_ID_TAG,
    RESUME_RETRY_TAG,
    ROOT_RUN_ID_TAG,
    TAGS_TO_MAYBE_OMIT_ON_RETRY,
)

from orchestration.location import Location
from orchestration.services.home import Home
from orchestration.services.runs.detail import is_tried_again, retry_of
from orchestration.services.runs.find import find_record
from orchestration.services.runs.origin import code_origin, remote_origin
from orchestration.services.runs.process import PROCESS_TAG
from orchestration.services.runs.start import (
    ACTOR_TAG,
    KEY_TAG,
    Asked,
    enqueue,
    in_turn,
    used_before,
)
from orchestration.services.runs.states import RunState, check_action, state_of
from resources.kernel.errors import ConflictError

_OWN_TAGS = frozenset({*TAGS_TO_MAYBE_OMIT_ON_RETRY, PROCESS_TAG, ACTOR_TAG, KEY_TAG})
"""What is true of the one run only."""


@dataclass(frozen=True)
class _Part:
    """What is left to do of a run."""

    steps: Sequence[str] | None
    """None: all."""
    state: KnownExecutionState | None


def start_retry(
    home: Home, location: Location, instance: dg.DagsterInstance, run_id: str, asked: Asked
) -> str:
    """Has the server repeat a run that failed or was stopped; the id of the new run.

    Raises:
        NotFoundError: there is no such run.
        ConflictError: it has not ended, it is done, or it is being repeated.
        InputError: the key of `asked` was used for other work.
        UnknownNameError: its job is no longer there.
    """
    new_id = asked.make_run_id()
    with in_turn(home, run_id):
        again = instance.get_run_by_id(new_id) if asked.key else None
        if again is None:
            again = _repeat(location, instance, run_id, asked, new_id)
        elif again.parent_run_id != run_id:
            raise used_before(again)
        enqueue(instance, again)
    return new_id


def _repeat(
    location: Location, instance: dg.DagsterInstance, run_id: str, asked: Asked, new_id: str
) -> dg.DagsterRun:
    record = find_record(instance, run_id, location=remote_origin("").location_name)
    parent = record.dagster_run
    check_action("retry", parent)
    _check_alone(instance, parent)
    job = location.job(parent.job_name).get_subset(
        op_selection=parent.op_selection,
        asset_selection=parent.asset_selection,
        asset_check_selection=parent.asset_check_selection,
    )
    part = _what_is_left(instance, parent)
    plan = create_execution_plan(
        job,
        run_config=parent.run_config,
        step_keys_to_execute=part.steps,
        known_state=part.state,
        instance_ref=instance.get_ref() if instance.is_persistent else None,
        tags=parent.tags,
    )
    return instance.create_run(
        job_name=parent.job_name,
        run_id=new_id,
        run_config=parent.run_config,
        status=None,
        tags=_tags(parent, asked, is_part=part.steps is not None),
        root_run_id=parent.root_run_id or parent.run_id,
        parent_run_id=parent.run_id,
        step_keys_to_execute=part.steps,
        execution_plan_snapshot=snapshot_from_execution_plan(plan, job.get_job_snapshot_id()),
        job_snapshot=job.get_job_snapshot(),
        parent_job_snapshot=job.get_parent_job_snapshot(),
        asset_selection=parent.asset_selection,
        asset_check_selection=parent.asset_check_selection,
        resolved_op_selection=parent.resolved_op_selection,
        op_selection=parent.op_selection,
        remote_job_origin=remote_origin(parent.job_name),
        job_code_origin=code_origin(parent.job_name),
        asset_graph=job.asset_layer.asset_graph,
    )


def _check_alone(instance: dg.DagsterInstance, parent: dg.DagsterRun) -> None:
    """Makes sure that nothing else repeats a run right now."""
    other = retry_of(instance, parent)
    run = instance.get_run_by_id(other) if other else None
    if run is not None and not run.is_finished:
        text = f"run {parent.run_id} is being repeated by run {other}"
    elif is_tried_again(parent) and not other:
        text = f"run {parent.run_id} is tried again by itself"
    else:
        return
    raise ConflictError(
        text,
        hint="Wait for it, or stop it",
        state=state_of(parent.status).value,
        run_id=parent.run_id,
    )


def _what_is_left(instance: dg.DagsterInstance, parent: dg.DagsterRun) -> _Part:
    if state_of(parent.status) != RunState.FAILED or parent.execution_plan_snapshot_id is None:
        return _Part(None, None)
    steps, state = KnownExecutionState.build_resume_retry_reexecution(instance, parent)
    return _Part(steps, state) if steps else _Part(None, None)


def _tags(parent: dg.DagsterRun, asked: Asked, *, is_part: bool) -> dict[str, str]:
    return {
        **{name: value for name, value in parent.tags.items() if name not in _OWN_TAGS},
        **({RESUME_RETRY_TAG: "true"} if is_part else {}),
        PARENT_RUN_ID_TAG: parent.run_id,
        ROOT_RUN_ID_TAG: parent.root_run_id or parent.run_id,
        **asked.tags,
    }
