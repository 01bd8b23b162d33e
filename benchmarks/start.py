"""How soon `waybill up` is ready, and how soon the first page is there: `python -m benchmarks.start`.

Each round starts the server anew over the same home folder and project, by the clock and by the processor's time of all its
processes. `--against` names another checkout with a `.venv` of its own: both are started in turns, so the machine's
other work meets both. `--browser` has Chromium open the data section as soon as the server is ready.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.memory import tree

_READY = re.compile(r"ready at (http\S+)")
_START_SECONDS = 600
_TICKS = os.sysconf("SC_CLK_TCK")
_OWN = Path(__file__).resolve().parents[1]


@dataclass
class Checkout:
    """A state of the code, with what was measured of it."""

    root: Path
    home: Path
    ready: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)


def start(checkout: Checkout, *, browser: bool) -> None:
    """One start."""
    with _server(checkout) as (process, seconds, address):
        checkout.ready.append(seconds)
        checkout.cpu.append(_cpu_seconds(process.pid))
        if browser:
            first, again = _pages(address)
            checkout.page.append(first)
            checkout.again.append(again)


@contextmanager
def _server(checkout: Checkout) -> Iterator[tuple[subprocess.Popen[bytes], float, str]]:
    left_out = ("DAGSTER", "DEMO_", "WAYBILL", "PYTHON")
    kept = {name: v for name, v in os.environ.items() if not name.startswith(left_out)}
    environment = {**kept, "HOME": str(checkout.home), "WAYBILL_HOME": str(checkout.home / "home")}
    command = [str(checkout.root / ".venv/bin/waybill"), "up", "--port", "0", "--no-password"]
    output = checkout.home / "up.txt"
    begun = time.monotonic()
    with output.open("w") as out:
        process = subprocess.Popen(command, stdout=out, env=environment, cwd=checkout.root)
    try:
        while not (found := _READY.search(output.read_text())):
            if process.poll() is not None or time.monotonic() - begun > _START_SECONDS:
                raise SystemExit(f"the server does not start:\n{output.read_text()}")
            time.sleep(0.01)
        yield process, time.monotonic() - begun, found[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _cpu_seconds(pid: int) -> float:
    """Of a process, its living descendants, and all of theirs that have ended."""
    ticks = 0
    for one in tree(pid):
        facts = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, facts[11:15]))
    return ticks / _TICKS


def _pages(address: str) -> tuple[float, float]:
    """Seconds until the overview stands in a new browser, and until it does once more."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        found = []
        for _ in range(2):
            begun = time.monotonic()
            page.goto(f"{address.rstrip('/')}/data/")
            page.locator("h1").wait_for()
            found.append(time.monotonic() - begun)
        browser.close()
    return found[0], found[1]


def _shown(name: str, values: list[float]) -> str:
    return f"{name} {statistics.median(values):.2f} s (least {min(values):.2f})"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path, help="another checkout, with its .venv")
    parser.add_argument("--browser", action="store_true", help="open the first page in Chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="waybill-start.") as folder:
        roots = [_OWN, *([given.against.resolve()] if given.against else [])]
        checkouts = [Checkout(root, Path(folder, str(n))) for n, root in enumerate(roots)]
        for checkout in checkouts:
            checkout.home.mkdir()
            start(Checkout(checkout.root, checkout.home), browser=False)  # makes the home folder
        for number in range(given.rounds):
            for checkout in checkouts[:: -1 if number % 2 else 1]:
                has_pages = (checkout.root / "orchestration/pages").exists()
                start(checkout, browser=given.browser and has_pages)
        for checkout in checkouts:
            parts = [_shown("ready", checkout.ready), _shown("CPU", checkout.cpu)]
            if checkout.page:
                parts += [_shown("first page", checkout.page), _shown("again", checkout.again)]
            print(f"{checkout.root.name:20} {', '.join(parts)}")


if __name__ == "__main__":
    main()
