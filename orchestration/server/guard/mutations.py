"""What each mutation of Dagster's GraphQL asks for. One that is not here asks for the most."""

from __future__ import annotations

from orchestration.services.access.rights import CHANGE, LOOK, WORK, Right

_OF_THE_PAGE = ("logTelemetry", "setNuxSeen")
"""What Dagster's page sends by itself, for every user."""

_OF_WORK = (
    "launchPipelineExecution",
    "launchRun",
    "launchMultipleRuns",
    "launchPipelineReexecution",
    "launchRunReexecution",
    "terminatePipelineExecution",
    "terminateRun",
    "terminateRuns",
    "launchPartitionBackfill",
    "resumePartitionBackfill",
    "reexecutePartitionBackfill",
    "cancelPartitionBackfill",
    "startSchedule",
    "stopRunningSchedule",
    "resetSchedule",
    "scheduleDryRun",
    "startSensor",
    "stopSensor",
    "resetSensor",
    "sensorDryRun",
    "setAutoMaterializePaused",
    "addDynamicPartition",
    "reportRunlessAssetEvents",
    "reportAssetCheckEvaluations",
)

_OF_ADMINS = (
    "setSensorCursor",
    "deletePipelineRun",
    "deleteRun",
    "reloadRepositoryLocation",
    "reloadWorkspace",
    "shutdownRepositoryLocation",
    "wipeAssets",
    "deleteDynamicPartitions",
    "setAppManagedComponent",
    "deleteAppManagedComponent",
    "refreshComponentState",
    "setConcurrencyLimit",
    "deleteConcurrencyLimit",
    "freeConcurrencySlotsForRun",
    "freeConcurrencySlots",
)

MUTATIONS: dict[str, Right] = {
    **dict.fromkeys(_OF_THE_PAGE, LOOK),
    **dict.fromkeys(_OF_WORK, WORK),
    **dict.fromkeys(_OF_ADMINS, CHANGE),
}
"""Name -> what it asks for."""


def right_of_mutation(name: str) -> Right:
    """What a mutation asks for."""
    return MUTATIONS.get(name, CHANGE)
