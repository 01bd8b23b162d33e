"""What `waybill up` needs of the machine's memory, idle, with the demo's definitions."""

from pathlib import Path

import pytest

from benchmarks.memory import measure, render, tree
from tests.e2e.server import running_server, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

LIMIT_MB = 575  # 425 before there was a data section, which may take 150
IDLE = [
    "python (reaper)",
    "python (zygote)",
    "waybill",
    "waybill-code",
    "waybill-server",
    "waybill-web",
]
"""Its processes while nothing runs and nobody asks."""
DAEMON = "{ instance { daemonHealth { allDaemonStatuses { required healthy } } } }"


def test_an_idle_server_with_the_demo_stays_below_its_limit(tmp_path):
    with running_server(tmp_path) as server:
        server.wait_until_ready()
        wait_for(lambda: all_loops_work(server))
        # A schedule or a sensor may have started a run or asked a question just now.
        shares = wait_for(lambda: shares_of_idle(server))
        (code,) = [share.pid for share in shares if share.name == "waybill-code"]
        mapped = Path(f"/proc/{code}/maps").read_text()
    assert "pyarrow" in mapped
    # Imported by the runs that need them.
    assert [name for name in ("_duckdb", "/polars", "/scipy/", "/sklearn/") if name in mapped] == []
    assert sum(share.mb for share in shares) < LIMIT_MB, f"\n{render(shares)}"


def shares_of_idle(server):
    """What each process needs, unless there are others than those of an idle server at this moment."""
    shares = measure(tree(server.process.pid))
    return shares if sorted(share.name for share in shares) == IDLE else None


def all_loops_work(server) -> bool:
    found = server.graphql(DAEMON)["instance"]["daemonHealth"]["allDaemonStatuses"]
    return all(status["healthy"] for status in found if status["required"])
