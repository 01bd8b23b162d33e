"""Whose `assets`, `resources` and `orchestration` are meant beside a project's own, and what is said of those."""

import subprocess
import sys
from pathlib import Path

import pytest

OWN = {
    "a package": ("assets/__init__.py", "OWN = 1\n"),
    "a module": ("assets.py", "OWN = 1\n"),
    "a folder": ("assets/mine.py", "OWN = 1\n"),
}


def python(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """A program started in `folder`, which Python looks into first."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("file", "text"), OWN.values(), ids=OWN)
def test_waybills_are_meant_wherever_its_front_door_was_opened(tmp_path, file, text):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    done = python(
        tmp_path, "import waybill, assets.boundary, resources.kernel.errors; print('ours')"
    )
    assert done.stdout == "ours\n", done.stderr


@pytest.mark.parametrize(
    ("file", "statement"),
    [
        ("assets/__init__.py", "from assets import OWN"),
        ("assets.py", "from assets import OWN"),
        ("assets/mine.py", "import assets.mine"),
        ("orchestration/deep/mine.py", "import orchestration.deep"),
    ],
)
def test_importing_ones_own_says_what_to_do(tmp_path, file, statement):
    (tmp_path / file).parent.mkdir(exist_ok=True, parents=True)
    (tmp_path / file).write_text("OWN = 1\n")
    done = python(tmp_path, f"import waybill\n{statement}\n")
    told = done.stderr.splitlines()[-1]
    assert told.startswith("ImportError: ")
    assert str(tmp_path / file.split("/")[0]) in told
    assert "Rename yours, or move it into the project's own package" in told


def test_a_name_that_is_nowhere_is_pythons_own_error(tmp_path):
    done = python(tmp_path, "import waybill\nimport assets.nowhere\n")
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'assets.nowhere'"


def test_one_that_was_imported_before_is_refused(tmp_path):
    (tmp_path / "resources.py").write_text("OWN = 1\n")
    done = python(tmp_path, "import resources\nimport waybill\n")
    told = done.stderr.splitlines()[-1]
    assert f"but {tmp_path / 'resources.py'} has been imported under that name" in told


def test_other_programs_see_ones_own_as_always(tmp_path):
    (tmp_path / "assets.py").write_text("OWN = 1\n")
    assert python(tmp_path, "import assets; print(assets.OWN)").stdout == "1\n"


def test_the_front_door_is_light(tmp_path):
    code = "import sys, waybill; print(sorted({'dagster', 'pyarrow', 'typer'} & set(sys.modules)))"
    assert python(tmp_path, code).stdout == "[]\n"
