"""The task runner, from outside: what its second try heals is counted and named, what it does not heal fails."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLAKY = """
from pathlib import Path

def test_passes_alone_the_second_time():
    seen = Path(__file__).with_name("seen")
    if not seen.exists():
        seen.touch()
        raise AssertionError("the first time")

def test_passes_always():
    pass
"""
BROKEN = "def test_never_passes():\n    raise AssertionError\n"


@pytest.fixture
def project(tmp_path):
    """A project with the task runner alone, whose environment is this one and counts as up to date."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    shutil.copy(ROOT / "run", tmp_path / "run")
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / ".venv" / "waybill-setup").write_text(_stamp(tmp_path))
    return tmp_path


def _stamp(project: Path) -> str:
    uv = next(line for line in (ROOT / "run").read_text().splitlines() if line.startswith("UV_"))
    script = f"{{ printf '%s %s\\n' {uv.partition('=')[2]} {project}; cat requirements.lock pyproject.toml; }} | cksum"
    return subprocess.run(
        ["sh", "-c", script], cwd=project, check=True, capture_output=True, text=True
    ).stdout


def _run_tests(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [project / "run", "test"], capture_output=True, text=True, check=False, timeout=120
    )


def test_what_a_second_try_heals_is_counted_and_named(project):
    (project / "test_flaky.py").write_text(FLAKY)
    done = _run_tests(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 failed beside others and passed alone" in done.stderr
    assert "test_flaky.py::test_passes_alone_the_second_time" in done.stderr
    assert "test_passes_always" not in done.stderr


def test_what_fails_twice_fails(project):
    (project / "test_broken.py").write_text(BROKEN)
    done = _run_tests(project)
    assert done.returncode == 1
    assert "passed alone" not in done.stderr
