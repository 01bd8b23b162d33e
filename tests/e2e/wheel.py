"""Waybill as strangers get it: the wheel built from this checkout, in an environment that knows nothing of the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

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


class Environment:
    """A virtual environment with the wheel; of what it depends on it sees the locked packages.

    Lines of a .pth file name folders, and .pth files in those are not read: the checkout stays out of sight.
    """

    def __init__(self, folder: Path, wheel: Path, home: Path) -> None:
        self.folder, self.data, self.user = folder, folder.parent / "data", home
        venv.create(folder, with_pip=False)
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
        (packages / "locked.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        direct = next(packages.glob("waybill-*.dist-info")) / "direct_url.json"
        direct.write_text(
            f'{{"url": "{wheel.as_uri()}", "archive_info": {{}}}}'
        )  # as installers do
        self.packages = packages
        self._write_command("waybill", "from waybill import main")
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
