"""A code location's processes without the rest of a server."""

import threading
from contextlib import contextmanager

import dagster as dg
import pytest

from orchestration.server.location import LocationProcesses
from orchestration.server.news import NewsReader
from orchestration.server.process import ProcessGroups, Service
from orchestration.server.settings import RUNNERS_VARIABLE
from orchestration.server.threads import THREADLESS_ENVIRONMENT
from orchestration.server.workspace import CodeServer
from orchestration.services.home import open_home
from tests.orchestration.server.runs import LOCATION, wait_until, write_code
from tests.zygote import warm_zygote


@contextmanager
def tended(location):
    """A location that is looked after meanwhile."""
    done = threading.Event()

    def tend():
        while not done.wait(0.05):
            location.tend()

    thread = threading.Thread(target=tend)
    thread.start()
    try:
        yield location
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A folder with code, an instance that launches runs of it, and the processes that have loaded it."""
    folder, sockets = tmp_path_factory.mktemp("warm"), tmp_path_factory.mktemp("s")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(folder / "home"))
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.setenv("DAGSTER_HOME", str(open_home().dagster))
        patch.setenv("TINY_FOLDER", str(folder))
        patch.setenv("WAYBILL_NEWS", str(folder / "news.txt"))
        patch.setenv(RUNNERS_VARIABLE, str(sockets))
        code = write_code(folder)
        target = ("--python-file", str(code), "--working-directory", str(folder))
        service = Service(
            "code",
            [],
            folder / "code.log",
            environment=THREADLESS_ENVIRONMENT,
            zygote=warm_zygote(),
        )
        with ProcessGroups(sockets) as groups:
            server = CodeServer(LOCATION, sockets, target)
            location = LocationProcesses(server, service, groups, lambda _text: None)
            with dg.DagsterInstance.get() as instance, tended(location):
                wait_until(lambda: location.current is not None)
                yield folder, instance, location


@pytest.fixture
def news(warm):
    """What the processes say from now on."""
    reader = NewsReader(warm[0] / "news.txt")
    reader.read()
    return reader
