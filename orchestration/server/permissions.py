"""Dagster's UI shows what the signed-in user may do; a second wall behind the guard, in Dagster's own words.

Dagster itself knows only reading and writing. Uses calls of it that are not public; a test pins them.
"""

from __future__ import annotations

from collections.abc import Mapping

from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.permissions import PermissionResult, Permissions

from orchestration.services.access.actor import Actor
from orchestration.services.access.rights import CHANGE, WORK
from orchestration.services.access.visits import ACTOR

_OF_OPERATORS = frozenset(
    {
        Permissions.LAUNCH_PIPELINE_EXECUTION,
        Permissions.LAUNCH_PIPELINE_REEXECUTION,
        Permissions.START_SCHEDULE,
        Permissions.STOP_RUNNING_SCHEDULE,
        Permissions.SCHEDULE_DRY_RUN,
        Permissions.EDIT_SENSOR,
        Permissions.SENSOR_DRY_RUN,
        Permissions.TERMINATE_PIPELINE_EXECUTION,
        Permissions.REPORT_RUNLESS_ASSET_EVENTS,
        Permissions.LAUNCH_PARTITION_BACKFILL,
        Permissions.CANCEL_PARTITION_BACKFILL,
        Permissions.TOGGLE_AUTO_MATERIALIZE,
        Permissions.EDIT_DYNAMIC_PARTITIONS,
    }
)
_REASON = "Your role does not allow this"


class RoleWorkspace(WorkspaceProcessContext):
    """A workspace whose requests are answered with the permissions of the user who asks."""

    def create_request_context(self, source: object | None = None) -> WorkspaceRequestContext:
        """A context for one request; with Dagster's own permissions where the guard has not seen it."""
        scope = getattr(source, "scope", None) or {}
        actor = scope.get("state", {}).get(ACTOR)
        if not isinstance(actor, Actor) or actor.may(CHANGE.role, CHANGE.scope):
            return super().create_request_context(source)
        return _RoleContext(
            instance=self.instance,
            current_workspace=self.get_current_workspace(),
            process_context=self,
            version=self.version,
            source=source,
            read_only=not actor.may(WORK.role, WORK.scope),
        )


class _RoleContext(WorkspaceRequestContext):
    """The context of a user who is no admin."""

    @property
    def permissions(self) -> Mapping[str, PermissionResult]:
        return {
            name: found if self._is_left(name, found) else PermissionResult(False, _REASON)
            for name, found in super().permissions.items()
        }

    def permissions_for_location(self, *, location_name: str) -> Mapping[str, PermissionResult]:
        return {
            name: found if self._is_left(name, found) else PermissionResult(False, _REASON)
            for name, found in super().permissions_for_location(location_name=location_name).items()
        }

    def _is_left(self, name: str, found: PermissionResult) -> bool:
        return found.enabled and not self.read_only and name in _OF_OPERATORS
