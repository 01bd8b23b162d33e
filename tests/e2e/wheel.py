"""Waybill as strangers get it: the wheel built from this checkout, in an environment that knows nothing of the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.e2e.server import environment

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("assets", "orchestration", "resources", "pyproject.toml", "README.md", "LICENSE")
COMMANDS = {
    "dagster": "from dagster._cli import main",
    "dg": "from dagster_dg_cli.cli import main",
}


def build_wheel(folder: Path) -> Path:
    """The wheel, built in a copy: nothing is left in the checkout, nothing fetched."""
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        given = ROOT / name
        if given.is_dir():
            shutil.copytree(given, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(given, source)
    code = f"from setuptools.build_meta import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


OF_PROJECTS = ("dagster-dg-cli", "pytest")
"""What a new project names beside Waybill, as its dependency group `dev`."""


def needed(*roots: metadata.Distribution) -> list[metadata.Distribution]:
    """What distributions need, and that again, without extras that nothing asks for."""
    found: dict[tuple[str, str], metadata.Distribution] = {}
    wanted = [(one, "") for one in roots]
    while wanted:
        one, extra = wanted.pop()
        for requirement in map(Requirement, one.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                for more in ("", *requirement.extras):
                    key = canonicalize_name(requirement.name), more
                    if key not in found:
                        found[key] = metadata.distribution(requirement.name)
                        wanted.append((found[key], more))
    return list(found.values())


class Environment:
    """A virtual environment that the wheel is installed into, and beside it what its metadata ask for, of the locked packages.

    Nothing else of the environment of the tests is there: neither the checkout nor what the tests and Waybill's extras need.
    """

    def __init__(self, folder: Path, wheel: Path, home: Path) -> None:
        self.folder, self.data, self.user = folder, folder.parent / "data", home
        venv.create(folder, with_pip=False)
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
        install = [
            "pip",
            "install",
            "--offline",
            "--no-deps",
            "--python",
            folder / "bin" / "python",
        ]
        subprocess.run(
            [Path(sys.executable).with_name("uv"), *install, wheel], check=True, capture_output=True
        )
        own = metadata.Distribution.at(next(packages.glob("waybill-*.dist-info")))
        others = [metadata.distribution(name) for name in OF_PROJECTS]
        for one in [*others, *needed(own, *others)]:
            for name in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
                place = Path(str(one.locate_file(name)))
                if not (packages / name).exists() and place.exists():
                    (packages / name).symlink_to(place)
        self.packages = packages
        for name, imports in COMMANDS.items():
            self._write_command(name, imports)

    def _write_command(self, name: str, imports: str) -> None:
        script = self.folder / "bin" / name
        script.write_text(
            f"#!{self.folder / 'bin' / 'python'}\nimport sys\n{imports}\nsys.exit(main())\n"
        )
        script.chmod(0o755)

    @property
    def variables(self) -> dict[str, str]:
        """Those of a user who has set none of Waybill's."""
        own = environment(self.data, HOME=str(self.user), XDG_DATA_HOME=str(self.data))
        del own["WAYBILL_HOME"]
        own.pop("PYTHONPATH", None)
        return own

    def run(self, *command: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command of the environment, as it ended."""
        return subprocess.run(
            [self.folder / "bin" / command[0], *command[1:]],
            cwd=cwd,
            env=self.variables | variables,
            capture_output=True,
            text=True,
            check=False,
        )
