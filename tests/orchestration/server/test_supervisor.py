"""What ends the server, and what is said of code that does not load."""

import os
import signal
import subprocess
import sys

import pytest

from orchestration.server.supervisor import StopSignals, first_line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_asks_to_stop(number):
    found = signal.signal(number, signal.default_int_handler)  # the tests may run under nohup
    try:
        with StopSignals() as stop:
            assert not stop.asked
            os.kill(os.getpid(), number)
            assert stop.asked
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, found)


def test_nohup_is_respected_and_a_background_job_still_ends():
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        with StopSignals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.asked
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("\nValueError: no luck\n  File ...\n", "ValueError: no luck"),
        ("", "no reason was given"),
        ("x" * 900, "x" * 500),
    ],
)
def test_an_error_is_told_in_one_line(error, said):
    assert first_line(error) == said


def test_the_process_that_starts_the_others_imports_no_library_that_they_need():
    """It stays as long as the server does, and the others wait for it: 40 MB and most of a second were lost here once."""
    heavy = ("dagster", "fastapi", "numpy", "pyarrow", "pydantic", "sqlalchemy", "starlette")
    code = f"""
import sys
import orchestration.cli.up, orchestration.loading, orchestration.services.home, resources.scratch
from orchestration.server import address, password, supervisor, switches
switches.check_switches()
print([name for name in {heavy} if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
