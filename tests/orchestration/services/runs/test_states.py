"""One table says what each of Dagster's states is called and what may be asked of a run then."""

import dagster as dg
import pytest

from orchestration.services.runs.origin import remote_origin
from orchestration.services.runs.states import (
    RunState,
    actions_in,
    check_action,
    state_of,
    statuses_of,
)
from resources.kernel.errors import ConflictError

MAY = {
    RunState.QUEUED: ["cancel"],
    RunState.STARTING: ["cancel"],
    RunState.RUNNING: ["cancel"],
    RunState.STOPPING: ["cancel"],
    RunState.DONE: [],
    RunState.FAILED: ["retry"],
    RunState.STOPPED: ["retry"],
}


@pytest.mark.parametrize("status", list(dg.DagsterRunStatus))
def test_what_is_not_possible_is_a_conflict_that_names_the_state(status):
    run = dg.DagsterRun("work", status=status, remote_job_origin=remote_origin("work"))
    state = state_of(run.status)
    assert status in statuses_of([state])
    assert actions_in(state) == MAY[state]
    for action in ("cancel", "retry"):
        if action in MAY[state]:
            check_action(action, run)
        else:
            with pytest.raises(ConflictError) as caught:
                check_action(action, run)
            assert caught.value.facts["state"] == state


def test_no_state_is_without_a_status():
    assert all(statuses_of([state]) for state in RunState)
