"""A run of pytest in which a worker crashes: it ends, names the test, and runs every other test once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES, TESTS = 6, 4
_TEST = """
import os
from pathlib import Path

def test_{n}():
    with open(Path(__file__).with_suffix(".log"), "a") as log:
        log.write("{n} ")
    {act}
"""


def _run(folder: Path, crashing: set[tuple[int, int]]) -> str:
    for file in range(FILES):
        tests = (
            _TEST.format(n=n, act="os._exit(9)" if (file, n) in crashing else "pass")
            for n in range(1 if file == FILES - 1 else TESTS)
        )
        (folder / f"test_{file}.py").write_text("".join(tests))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", "2", "--dist", "loadfile"]
    command += ["--no-loadscope-reorder", "-p", "tests.scheduling", "-c", "/dev/null"]
    command += ["-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**own, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "crashing",
    [
        {(2, TESTS - 1)},
        {(FILES - 1, 0)},
        {(FILES - 2, 2), (FILES - 1, 0)},
        {(0, 0), (0, 1), (1, 3), (3, 2)},
    ],
    ids=lambda crashing: " ".join(f"{file}.{n}" for file, n in sorted(crashing)),
)
def test_a_crash_is_one_failed_test_and_every_other_runs_once(tmp_path, crashing):
    out = _run(tmp_path, crashing)
    assert "loadfilesched" not in out  # it says nothing unasked
    for file, n in crashing:
        assert f"crashed while running 'test_{file}.py::test_{n}'" in out
    ran = {file: (tmp_path / f"test_{file}.log").read_text().split() for file in range(FILES)}
    for file, numbers in ran.items():
        count = 1 if file == FILES - 1 else TESTS
        assert sorted(numbers) == [str(n) for n in range(count)]
    assert f"{len(crashing)} failed, {(FILES - 1) * TESTS + 1 - len(crashing)} passed" in out
