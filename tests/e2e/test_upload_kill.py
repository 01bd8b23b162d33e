"""An upload in the browser while the web process is killed: it goes on where it was, and nobody does anything about it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import environment, running_server

pytestmark = [pytest.mark.e2e, pytest.mark.kill, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("up")
    command = [Path(sys.executable).with_name("waybill"), "init", folder, "--name", "shop"]
    subprocess.run([*command, "--example", "none"], env=environment(folder / "home"), check=True)
    with running_server(folder) as server:
        server.wait_until_ready()
        yield server


def web_process(server) -> int:
    (pid,) = [
        pid
        for pid in server.processes()
        if Path(f"/proc/{pid}/comm").read_text().strip() == "waybill-web"
    ]
    return pid


def test_the_web_process_is_killed_in_the_middle(server, chromium, tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(b"id,text\n" + b"1,abcdefghijklm\n" * 1_300_000)
    killed, offsets = [], []

    def kill(route):
        if route.request.method == "PATCH":
            offsets.append(int(route.request.headers["upload-offset"]))
            if offsets[-1] and not killed:
                killed.append(web_process(server))
                os.kill(killed[0], signal.SIGKILL)
        route.continue_()

    page = chromium.new_page()
    page.route("**/api/v1/projects/*/uploads/**", kill)
    page.goto(f"http://127.0.0.1:{server.port}/data/shop/datasets/upload")
    page.set_input_files("#file", str(path))
    page.click("text=Upload >> nth=-1")
    page.wait_for_url(re.compile(r"/datasets/upload/[0-9a-f]{32}"), timeout=300_000)
    assert killed
    assert web_process(server) != killed[0]
    assert offsets[0] == 0
    assert 0 not in offsets[1:]  # it did not begin anew
    received = server.home / "incoming" / "received" / page.url.rpartition("/")[2] / "bytes"
    assert received.read_bytes() == path.read_bytes()
