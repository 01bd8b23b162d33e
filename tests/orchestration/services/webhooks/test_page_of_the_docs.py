"""The receiver of docs/webhooks.md, as it stands there, is sent what Waybill sends."""

import http.client
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from orchestration.services.webhooks.secret import signed
from resources.stores.catalog.access.records import now
from resources.stores.catalog.webhooks.outbox import body_of
from tests.faults import wait_until
from tests.orchestration.services.webhooks.conftest import KEY
from tests.resources.stores.catalog.webhooks.made import ended

PAGE = Path(__file__).parents[4] / "docs" / "webhooks.md"


def post(port, body, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/", body.encode(), headers)
    return connection.getresponse().status


def is_up(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_receiver_takes_what_is_signed_once_and_refuses_the_rest():
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    secret, body = KEY.secret("salt"), body_of(ended(7))
    given = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
    receiver = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_until(lambda: is_up(port))
        headers = signed([secret], "msg_1", now(), body)
        assert [post(port, body, headers), post(port, body, headers)] == [204, 204]
        assert post(port, body.replace("7", "8"), headers) == 401
        assert post(port, body, {}) == 401
    finally:
        receiver.terminate()
    assert receiver.communicate()[0].splitlines() == ["import.completed collections/docs/imports/7"]
