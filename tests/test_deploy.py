"""The examples of docs/deploy: systemd takes the unit, and what the proxies send passes the guard, foreign pages' requests not."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestration.server.guard import GuardRules

DEPLOY = Path(__file__).resolve().parent.parent / "docs" / "deploy"
RULES = GuardRules(port=3000)
HOST = "https://data.example.com"


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


def nginx() -> tuple[str, dict[str, str]]:
    """The Host that nginx sends, and the Origins that it replaces."""
    text = (DEPLOY / "nginx.conf").read_text()
    (host,) = re.findall(r'proxy_set_header +Host +"([^"]+)"', text)
    assert re.search(r"proxy_set_header +Origin +\$waybill_origin;", text)
    assert re.search(r"default +\$http_origin;", text)
    return host, dict(re.findall(r'"(https?://[^"]+)" +"([^"]+)";', text))


def caddy() -> tuple[str, dict[str, str]]:
    """The same of Caddy."""
    text = (DEPLOY / "Caddyfile").read_text()
    (host,) = re.findall(r"header_up Host (\S+)", text)
    (own,) = re.findall(r"@own header Origin (\S+)", text)
    (origin,) = re.findall(r"request_header @own Origin (\S+)", text)
    return host, {own: origin}


@pytest.mark.parametrize("proxy", [nginx, caddy])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_only_pages_of_the_proxys_host_pass(proxy, kind):
    host, replaced = proxy()
    assert refused(host, replaced.get(HOST, HOST), kind) is None
    for foreign in ("https://evil.example", "https://data.example.com.evil.example", "null"):
        assert refused(host, replaced.get(foreign, foreign), kind) == 403
    assert refused("data.example.com", replaced[HOST], kind) == 421


def test_the_proxy_of_the_composition_shares_the_servers_loopback():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert services["proxy"]["network_mode"] == "service:waybill"
    assert {"443:443", "80:80"} <= set(services["waybill"]["ports"])
    assert "ports" not in services["proxy"]
