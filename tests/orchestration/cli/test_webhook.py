"""`waybill webhook`, as it is used at a shell."""

import json
import re

import pytest
from standardwebhooks import Webhook as Verifier
from typer.testing import CliRunner

from orchestration.cli.main import app
from orchestration.services.access.shell import open_access, own_name
from resources.stores.catalog.webhooks.outbox import note_event
from resources.web import client
from tests.resources.stores.catalog.webhooks.made import ended
from tests.servers.web import website

URL = "https://hooks.example/in"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with website(tmp_path_factory.mktemp("web"), "hooks.example") as site:
        site.pages["/in"] = b"thanks \x1b[31m"
        yield site


@pytest.fixture
def waybill(receiver, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("WAYBILL_CATALOG_URL", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setattr(client, "NETWORK", receiver.network)
    receiver.sent.clear()

    def run(*arguments, code=0):
        result = CliRunner().invoke(app, ["webhook", *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


def test_a_webhook_is_made_tried_changed_and_removed(waybill, receiver):
    secret = waybill("create", "crm", URL, "--event", "import.failed").stdout.strip()
    assert re.fullmatch(r"whsec_[\w+/]{43}=", secret)
    assert "status 200" in waybill("test", "crm").stdout
    ((_, headers, body),) = receiver.sent
    assert Verifier(secret).verify(body, headers)["type"] == "webhook.test"
    waybill("edit", "crm", "--event", "import.completed", "--event", "import.stopped")
    waybill("pause", "crm")
    shown = json.loads(waybill("show", "crm", "--json").stdout)
    assert (shown["events"], shown["is_paused"]) == (["import.completed", "import.stopped"], True)
    waybill("resume", "crm")
    assert "hooks.example" in waybill("list").stdout
    other = json.loads(waybill("rotate", "crm", "--json").stdout)["secret"]
    assert other not in (secret, waybill("show", "crm").stdout)
    waybill("remove", "crm")
    assert json.loads(waybill("list", "--json").stdout) == []
    log = CliRunner().invoke(app, ["audit", "list", "--json", "--action", "webhook."]).stdout
    assert [(entry["action"], entry["actor"]) for entry in reversed(json.loads(log))] == [
        (f"webhook.{verb}", own_name())
        for verb in ("create", "test", "edit", "pause", "resume", "rotate", "remove")
    ]
    assert "whsec_" not in log


def test_a_trial_that_fails_ends_with_1_and_says_what_came_back(waybill):
    waybill("create", "crm", "https://hooks.example/gone")
    assert "status 404" in waybill("test", "crm", code=1).stderr
    assert json.loads(waybill("test", "crm", "--json", code=1).stdout)["status"] == 404


def test_deliveries_are_listed_and_sent_once_more(waybill):
    waybill("create", "crm", URL)
    with open_access().write() as connection:
        note_event(connection, ended())
    (one,) = json.loads(waybill("deliveries", "crm", "--json").stdout)
    assert (one["state"], one["event"], one["attempts"]) == ("waiting", "import.completed", 0)
    assert "collections/docs/imports/7" in waybill("deliveries", "crm").stdout
    assert "on its way" in waybill("resend", "crm", one["id"], code=1).stderr
    waybill("resend", "crm", "msg_0", code=2)
    waybill("deliveries", "crm", "--state", "gone", code=1)


@pytest.mark.parametrize(("arguments", "code"), [
    (("create", "crm", "http://hooks.example/"), 1), (("create", "crm", "https://hooks.example/?x=1"), 1), (("create", "crm", "https://10.0.0.1/"), 1),
    (("create", "crm", URL, "--event", "import.exploded"), 1), (("show", "nobody"), 2), (("edit", "nobody", "--url", URL), 2),
])  # fmt: skip
def test_what_will_not_do(waybill, arguments, code):
    assert waybill(*arguments, code=code).stderr.startswith("error: ")
