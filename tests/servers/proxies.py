"""Reverse proxies with TLS before a server under test: nginx and Caddy of Debian, with the examples of docs/deploy.

The machine's own, else Debian's packages unpacked into the cache of the tests; nothing is installed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import Certificates
from tests.servers.postgres import ServerUnavailableError

DEPLOY = Path(__file__).resolve().parents[2] / "docs" / "deploy"
FETCH_SECONDS = 240
START_SECONDS = 60


@dataclass(frozen=True)
class Place:
    """Where a proxy is to stand.

    Args:
        folder: for its files.
        port: where it answers, as `localhost`.
        behind: the port of the server behind it.
        certificates: for its TLS.
    """

    folder: Path
    port: int
    behind: int
    certificates: Certificates


def nginx(place: Place) -> list[str]:
    """The command of an nginx with our example; only names, paths and ports are others."""
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace(
        "/etc/letsencrypt/live/data.example.com/fullchain.pem", str(place.certificates.certificate)
    )
    text = text.replace(
        "/etc/letsencrypt/live/data.example.com/privkey.pem", str(place.certificates.key)
    )
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{place.port} ssl")
    text = text.replace("data.example.com", "localhost").replace(
        "127.0.0.1:3000", f"127.0.0.1:{place.behind}"
    )
    text = text[: text.rindex("server {")]  # port 80 is not ours
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {place.folder}/{kind};\n" for kind in kinds)
    user = "user root;\n" if os.getuid() == 0 else ""
    (place.folder / "nginx.conf").write_text(
        f"daemon off;\n{user}pid {place.folder}/nginx.pid;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{text}}}\n"
    )
    program = str(_program("nginx", "usr/sbin/nginx"))
    return [program, "-e", f"{place.folder}/error.log", "-c", f"{place.folder}/nginx.conf"]


def caddy(place: Place) -> list[str]:
    """The command of a Caddy with our example; it would ask an authority for a certificate, and is given one."""
    text = (DEPLOY / "Caddyfile").read_text()
    tls = f"tls {place.certificates.certificate} {place.certificates.key}"
    text = text.replace(
        "data.example.com {", f"https://localhost:{place.port} {{\n\tbind 127.0.0.1\n\t{tls}"
    )
    text = text.replace("127.0.0.1:3000", f"127.0.0.1:{place.behind}")
    (place.folder / "Caddyfile").write_text(
        "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n" + text
    )
    program = str(_program("caddy", "usr/bin/caddy"))
    return [program, "run", "--adapter", "caddyfile", "--config", f"{place.folder}/Caddyfile"]


@contextmanager
def running(command: Callable[[Place], list[str]], place: Place) -> Iterator[None]:
    """A proxy, until the context ends.

    Raises:
        ServerUnavailableError: there is none and none can be fetched.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(place.folder),
        "XDG_DATA_HOME": str(place.folder),
    }
    with (place.folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command(place), stdout=output, stderr=output, env=environment)
    try:
        _wait(process, place)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], place: Place) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", place.port), timeout=1).close()
        except OSError:
            said = (place.folder / "output.txt").read_text()
            assert process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.05)
        else:
            return


def _program(package: str, path: str) -> Path:
    own = shutil.which(package, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if own:
        return Path(own)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "waybill-tests"
    home = cache / package
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes start at once: one of them fetches
        if not (home / path).exists():
            home.mkdir(exist_ok=True)
            _run(["apt-get", "download", package], home)
            for archive in home.glob("*.deb"):
                _run(["dpkg-deb", "-x", archive.name, "."], home)
    return home / path


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerUnavailableError(f"{command[0]}: {error}") from error
    if done.returncode:
        raise ServerUnavailableError(f"{' '.join(command)} failed: {done.stderr.strip()[-600:]}")
