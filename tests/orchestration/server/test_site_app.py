"""What the data section and the API are made of is imported while the server waits for the users' code."""

import subprocess
import sys

SCRIPT = """
import sys
from orchestration.server import site_app
assert not any(name.startswith(("orchestration.pages", "orchestration.api")) for name in sys.modules)
thread = site_app.begin_to_import()
assert thread.daemon  # it keeps no process from its end
thread.join(120)
wanted = ("api.app", "pages.app", "api.routes.import_tasks", "pages.routes.import_creating")
missing = [name for name in wanted if f"orchestration.{name}" not in sys.modules]
assert not missing, missing
"""
WAITS = """
import sys
from pathlib import Path
from orchestration.server import web
from threading import enumerate as threads
web._wait_for_code_servers([Path(sys.executable)])
assert [one for one in threads() if one.name == "site imports"] or "orchestration.api.routes.webhooks" in sys.modules
"""


def passes(script):
    ended = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=240
    )
    assert ended.returncode == 0, ended.stderr


def test_every_route_is_there_before_anybody_asks():
    passes(SCRIPT)


def test_the_server_does_it_while_it_waits():
    passes(WAITS)
