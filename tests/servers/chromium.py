"""A real browser for tests: Debian's Chromium, installed when the machine has none, steered by Playwright.

A page under test is watched: an error on its console, an answer that failed, a script that was not allowed to run, a
dialog that nobody expects, each fails the test that saw it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.axe import violations
from tests.servers.postgres import ServerUnavailableError, required_or_skipped

if TYPE_CHECKING:  # loaded by whoever opens a browser
    from playwright.sync_api import Browser, Page

INSTALL_SECONDS = 240
LOOKS = (("light", 1280), ("dark", 360))
"""Colour schemes and widths in pixels."""


def find_chromium() -> str:
    """The browser's program.

    Raises:
        ServerUnavailableError: there is none and none can be installed.
    """
    lock = Path(tempfile.gettempdir()) / f"waybill-chromium-{os.getuid()}.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # test processes start at once: one of them installs
        found = shutil.which("chromium")
        if found is None and os.getuid() == 0:
            _run(["apt-get", "update"])
            _run(["apt-get", "install", "-y", "--no-install-recommends", "chromium"])
            found = shutil.which("chromium")
    if found is None:
        raise ServerUnavailableError("there is no Chromium: apt-get install chromium")
    return found


def _run(command: list[str]) -> None:
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            timeout=INSTALL_SECONDS,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerUnavailableError(f"{' '.join(command[:2])}: {error}") from error


@dataclass
class WatchedPage:
    """A page, and what went wrong in it.

    Attributes:
        page: Playwright's.
        faults: errors of the console, failed answers, dialogs, in order.
        answers: what dialogs that are expected are answered with, the next one first.
    """

    page: Page
    faults: list[str] = field(default_factory=list)
    answers: list[bool] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    """Statuses of answers that the test provokes."""

    def __post_init__(self) -> None:
        """Begins to watch."""
        self.page.on("console", self._hear_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("dialog", self._answer)
        self.page.on("response", self._look_at)

    def _hear_console(self, message) -> None:
        # What an answer's status says is told by the answer itself.
        if message.type in ("error", "warning") and "status of" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _answer(self, dialog) -> None:
        if not self.answers:
            self.faults.append(f"dialog: {dialog.message}")
            dialog.dismiss()
        elif self.answers.pop(0):
            dialog.accept()
        else:
            dialog.dismiss()

    def _look_at(self, response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.faults.append(f"{response.status} {response.request.method} {response.url}")

    def check_accessible(self) -> None:
        """Nothing that axe-core finds against WCAG 2.2 AA."""
        assert violations(self.page) == [], self.page.url

    def check_looks(self) -> None:
        """Accessible and no wider than the window: light on a desk, then dark on a phone, where it stays.

        Colours depend on the scheme and places on the width; what either of the other two combinations could show, one of these shows.
        """
        for scheme, width in LOOKS:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size({"width": width, "height": 800})
            self.check_accessible()
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{self.page.url} is {wide} px wide where there are {width}"


@contextmanager
def browser() -> Iterator[Browser]:
    """The browser; its program is found or installed first."""
    from playwright.sync_api import sync_playwright

    program = find_chromium()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        try:
            yield found
        finally:
            found.close()


@contextmanager
def watched_page(found: Browser, **options: object) -> Iterator[WatchedPage]:
    """A page with nothing in it of what was before; at the end nothing may have gone wrong in it."""
    context = found.new_context(viewport={"width": 1280, "height": 800}, **options)
    context.set_default_timeout(30_000)
    watched = WatchedPage(context.new_page())
    try:
        yield watched
        assert watched.faults == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; only for a module, since Playwright keeps an event loop where other tests want their own."""
    with required_or_skipped(browser(), "CHROMIUM") as found:
        yield found
