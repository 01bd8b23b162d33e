"""A project of its own, served as `waybill up` serves it: its process, the data section, the API, Dagster's UI, one address.

Only the supervisor is left out: the web server, and the daemon if it is asked for, work in threads of the test. So it
is there in three seconds, and a test can look at the instance and the store beside the pages.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvicorn
import yaml

from orchestration.server.daemon import Daemon
from orchestration.server.guard import GuardRules
from orchestration.server.location import LocationProcesses
from orchestration.server.news import VARIABLE as NEWS_VARIABLE
from orchestration.server.process import ProcessGroups, Service
from orchestration.server.settings import RUNNERS_VARIABLE
from orchestration.server.threads import THREADLESS_ENVIRONMENT
from orchestration.server.web import guarded_app, open_workspace
from orchestration.server.workspace import Workspace, plan_workspace
from orchestration.services.access.directory import Directory
from orchestration.services.home import Home, open_home
from orchestration.services.import_tasks.rounds import TaskRounds
from orchestration.services.new_project import plan_project
from resources import project as projects
from resources.scratch import ScratchFolder
from resources.stores.catalog.database import CatalogDatabase
from tests.zygote import warm_zygote

SECONDS = 180.0


@dataclass
class Served:
    """A served project.

    Args:
        url: the address.
        name: of the project.
        root: its folder.
        home: the home folder.
        instance: Dagster's.
    """

    url: str
    name: str
    root: Path
    home: Home
    location: LocationProcesses
    beside: Mapping[str, Served] = field(default_factory=dict)
    """Other projects of the same workspace, by name."""

    @property
    def data(self) -> str:
        """Where its pages begin."""
        return f"{self.url}/data/{self.name}"

    @property
    def api(self) -> str:
        """Where its routes begin."""
        return f"{self.url}/api/v1/projects/{self.name}"

    @property
    def defs(self) -> Path:
        """The folder of its definitions."""
        return self.root / self.name / "defs"

    def post(self, client: httpx.Client, path: str, fields: Mapping[str, object]) -> httpx.Response:
        """Sends a form as a browser does that has just opened a page of this server."""
        page = client.get(f"{self.data}/")
        token = re.search(r'name="form-token" content="([^"]*)"', page.text)
        assert token is not None
        return client.post(
            path, data={"form_token": token[1], **fields}, headers={"Origin": self.url}
        )

    def client(self, **options: object) -> httpx.Client:
        """A client of this address."""
        return httpx.Client(base_url=self.url, timeout=SECONDS, **options)

    def reload(self) -> None:
        """Has the code loaded anew, and waits until it is."""
        link = Path(f"{self.location.server.path}.runs")
        before = link.readlink()
        Path(f"{self.location.server.path}.reload").touch()
        wait_until(lambda: link.readlink() != before and self.location.next is None)


@contextmanager
def served(
    folder: Path,
    files: Mapping[str, str],
    *,
    name: str = "shop",
    daemon: bool = False,
    variables: Mapping[str, str] | None = None,
    beside: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[Served]:
    """A project whose `defs/` hold `files`, served until the context ends.

    Args:
        folder: an empty one.
        files: text by path below `defs/`; files of components are all called `defs.yaml`.
        name: of the project.
        daemon: whether runs leave the queue, and schedules and sensors tick.
        variables: of the environment, for the test and all that it starts.
        beside: further projects that the workspace of this one names: their files, by name of the project.
    """
    projects_of_all = {name: files, **(beside or {})}
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        sockets = stack.enter_context(ScratchFolder("server")).path
        for variable, value in {
            "WAYBILL_HOME": str(folder / "home"),
            RUNNERS_VARIABLE: str(sockets),
            NEWS_VARIABLE: str(folder / "news.txt"),
            "WAYBILL_BAD_FILES": "leave_out",
            **(variables or {}),
        }.items():
            patch.setenv(variable, value)
        patch.delenv("DAGSTER_HOME", raising=False)
        home = open_home()
        roots = {own: _project(folder / own, given) for own, given in projects_of_all.items()}
        for own in roots:
            stack.callback(_forget, own, folder)
        patch.setattr(projects._AT_HAND, "project", projects.read_project(roots[name]))
        _write_workspace(roots[name], roots)
        workspace = plan_workspace(roots[name] / "workspace.yaml", sockets)
        groups = stack.enter_context(ProcessGroups(sockets))
        locations = _locations(workspace, folder, groups)
        stack.enter_context(_tended(list(locations.values())))
        wait_until(lambda: all(found.current is not None for found in locations.values()))
        url = stack.enter_context(_web(workspace.file, with_daemon=daemon))
        others = {
            own: Served(url, own, root, home, locations[own])
            for own, root in roots.items()
            if own != name
        }
        yield Served(url, name, roots[name], home, locations[name], others)


def _locations(
    workspace: Workspace, folder: Path, groups: ProcessGroups
) -> dict[str, LocationProcesses]:
    def service(name: str) -> Service:
        log = folder / f"{name}.log"
        return Service("code", [], log, environment=THREADLESS_ENVIRONMENT, zygote=warm_zygote())

    return {
        server.location: LocationProcesses(
            server, service(server.location), groups, lambda _text: None
        )
        for server in workspace.servers
    }


def _write_workspace(root: Path, roots: Mapping[str, Path]) -> None:
    """Names all projects in the workspace of the first, as docs/operations.md shows it."""
    entries = [
        {
            "python_module": {
                "module_name": f"{own}.definitions",
                "working_directory": "." if place == root else f"../{own}",
                "location_name": own,
            }
        }
        for own, place in roots.items()
    ]
    text = yaml.safe_dump({"load_from": entries}, sort_keys=False)
    (root / "workspace.yaml").write_text(text, encoding="utf-8")


def _project(root: Path, files: Mapping[str, str]) -> Path:
    plan = plan_project(root)
    own = {
        path: text for path, text in plan.files() if path.suffix != ".yaml" or not path.parts[1:]
    }
    declared = {Path(plan.package, "defs", name): text for name, text in files.items()}
    for name, text in (own | declared).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def _forget(name: str, folder: Path) -> None:
    """What a test that has loaded the project itself leaves in this process: the next one may have one of the same name."""
    for module in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
        del sys.modules[module]
    sys.path[:] = [entry for entry in sys.path if not entry.startswith(str(folder))]


@contextmanager
def _tended(locations: Sequence[LocationProcesses]) -> Iterator[None]:
    done = threading.Event()

    def tend() -> None:
        while not done.wait(0.05):
            for location in locations:
                location.tend()

    thread = threading.Thread(target=tend)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def _web(workspace_file: Path, *, with_daemon: bool) -> Iterator[str]:
    with ExitStack() as stack:
        context = stack.enter_context(open_workspace(workspace_file))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listener.getsockname()[1]
        # How long a wrong password or token takes is the guard's own tests' affair.
        rules = GuardRules(port, failed_login_seconds=0)
        config = uvicorn.Config(
            guarded_app(context, rules, Directory(CatalogDatabase.open())),
            log_level="warning",
            lifespan="off",
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        if with_daemon:
            stack.enter_context(Daemon(context))
            stack.enter_context(TaskRounds(CatalogDatabase.open(), context.instance))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()


def wait_until(condition: Callable[[], object]) -> None:
    """Waits for something that must come."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{condition} did not come in {SECONDS:g} s")
        time.sleep(0.05)
