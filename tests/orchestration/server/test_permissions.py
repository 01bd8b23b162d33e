"""What Dagster's own UI is told that each role may do: it shows its buttons by that."""

import pytest
from dagster._core.workspace.context import WorkspaceRequestContext
from dagster._core.workspace.permissions import Permissions

from orchestration.server.permissions import RoleWorkspace
from orchestration.server.web import open_workspace
from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.home import open_home


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(folder / "home"))
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.setenv("DAGSTER_HOME", str(open_home().dagster))
        file = folder / "workspace.yaml"
        file.write_text("load_from: []\n")
        with open_workspace(file) as found:
            yield found


class Connection:
    def __init__(self, actor):
        self.scope = {"state": {"actor": actor}}


@pytest.mark.parametrize(("actor", "launches", "wipes"), [
    (Actor("ada"), True, True),
    (Actor("olga", Role.OPERATOR), True, False),
    (Actor("vic", Role.VIEWER), False, False),
    (Actor("ada (token t)", Role.ADMIN, frozenset({Scope.READ}), "token"), False, False),
])  # fmt: skip
def test_a_role_sees_its_buttons(workspace, actor, launches, wipes):
    assert isinstance(workspace, RoleWorkspace)
    found = workspace.create_request_context(Connection(actor))
    assert isinstance(found, WorkspaceRequestContext)
    for permissions in (found.permissions, found.permissions_for_location(location_name="x")):
        assert permissions[Permissions.LAUNCH_PIPELINE_EXECUTION].enabled is launches
        assert permissions[Permissions.WIPE_ASSETS].enabled is wipes
