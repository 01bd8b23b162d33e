"""The examples of docs/deploy: systemd takes the unit, and the guard knows the host of the proxies."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestration.server.guard import GuardRules
from orchestration.server.settings import PublicAddress

DEPLOY = Path(__file__).resolve().parent.parent / "docs" / "deploy"
PUBLIC = PublicAddress("data.example.com", "https://data.example.com")
RULES = GuardRules(port=3000, public=PUBLIC)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path):
    unit = tmp_path / "waybill.service"
    program = str(Path(sys.executable).with_name("waybill"))
    unit.write_text(
        (DEPLOY / unit.name).read_text().replace("/srv/shop/.venv/bin/waybill", program)
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def refused(host: str, origin: str, kind: str = "http") -> int | None:
    """The status that the guard answers with; None when it lets the request through."""
    headers = [(b"host", host.encode()), (b"content-type", b"application/json")]
    if origin:
        headers.append((b"origin", origin.encode()))
    scope = {"type": kind, "method": "POST", "path": "/graphql", "headers": headers}
    found = RULES.check_place(scope)
    return found.status if found else None


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_only_pages_of_the_proxys_host_pass(kind):
    assert refused(PUBLIC.host, PUBLIC.origin, kind) is None
    for foreign in (
        "https://evil.example",
        f"{PUBLIC.origin}.evil.example",
        "null",
        "http://localhost:3000",
    ):
        assert refused(PUBLIC.host, foreign, kind) == 403
    assert refused("evil.example", PUBLIC.origin, kind) == 421
    assert refused("127.0.0.1:3000", PUBLIC.origin, kind) == 403


def test_the_examples_name_one_host():
    composition = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["waybill"]
    assert composition["environment"]["WAYBILL_PUBLIC_URL"] == PUBLIC.origin
    for name in ("nginx.conf", "Caddyfile"):
        assert f"WAYBILL_PUBLIC_URL={PUBLIC.origin}" in (DEPLOY / name).read_text()


def test_the_composition_has_a_place_for_backups_that_the_image_gives_to_its_user():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert "backups:/backups" in services["waybill"]["volumes"]
    (made,) = [
        line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if "install -d" in line
    ]
    assert {"/var/lib/waybill", "/backups"} <= set(made.split())
    assert "waybill backup /backups/" in (DEPLOY / "container.md").read_text()


def test_the_proxy_of_the_composition_shares_the_servers_loopback():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert services["proxy"]["network_mode"] == "service:waybill"
    assert {"443:443", "80:80"} <= set(services["waybill"]["ports"])
    assert "ports" not in services["proxy"]
