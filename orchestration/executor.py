"""How the steps of a run are executed: one after the other in one process, and none again once the run was stopped."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
from dagster._core.definitions.executor_definition import IN_PROC_CONFIG
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster_shared.error import SerializableErrorInfo

_INTERRUPTIONS = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}
_STOPPED = {
    dg.DagsterRunStatus.CANCELING,
    dg.DagsterRunStatus.CANCELED,
    dg.DagsterRunStatus.FAILURE,
}


class StoppableExecutor(InProcessExecutor):
    """Dagster's in-process executor, which takes a stop for an error that a retry policy may heal (issue 15026)."""

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Executes the steps.

        Raises:
            DagsterExecutionInterruptedError: the run was stopped, whatever its step made of that.
        """
        events = super().execute(plan_context, execution_plan)
        for event in events:
            yield event
            failed = event.is_step_up_for_retry or event.is_step_failure
            if failed and (_was_interrupted(event) or _is_stopped(plan_context)):
                events.close()  # type: ignore[attr-defined]  # a generator, announced as an iterator
                raise DagsterExecutionInterruptedError


def _was_interrupted(event: dg.DagsterEvent) -> bool:
    error: SerializableErrorInfo | None = getattr(event.event_specific_data, "error", None)
    while error is not None:
        if error.cls_name in _INTERRUPTIONS:
            return True
        error = error.cause
    return False


def _is_stopped(context: PlanOrchestrationContext) -> bool:
    # A library that was interrupted within its own code may raise anything.
    run = context.instance.get_run_by_id(context.run_id)
    return run is None or run.status in _STOPPED


@dg.executor(name="in_process", config_schema=IN_PROC_CONFIG)
def in_process_executor(context: dg.InitExecutorContext) -> StoppableExecutor:
    """Executes all steps in the run's process."""
    retries = RetryMode.from_config(context.executor_config["retries"])  # type: ignore[arg-type]  # untyped
    return StoppableExecutor(retries or RetryMode.ENABLED)
