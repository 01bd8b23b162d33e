"""Which Python runs whom: the project's for ours and the limits, one of their own for the peers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.jobs import Contender

REQUIREMENTS = Path(__file__).with_name("peers-requirements.txt")
_BUILD_SECONDS = 1200


def needs_peers_environment(contender: Contender) -> bool:
    """Whether a contender's tool lives in the peers' environment."""
    return ".peers_" in contender.entry


def peers_python(folder: Path) -> Path:
    """The peers' Python, made in `folder` unless it is there with the same requirements.

    Raises:
        RuntimeError: it could not be made; the last words of the installer.
    """
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = folder / f"peers-{wanted}"
    python, complete = home / "bin" / "python", home / "complete"
    if complete.exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(home)])
        # Compiled at once: otherwise the first runs of a peer would pay for it.
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
        _run([*install, "-r", str(REQUIREMENTS)])
    else:
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(python), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)])
    complete.touch()
    return python


def versions(python: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of packages in an environment; what is not installed is left out."""
    code = (
        "import sys, json\nfrom importlib.metadata import distributions\nwanted = set(sys.argv[1:])\n"
        "print(json.dumps({d.name.lower(): d.version for d in distributions() if d.name.lower() in wanted}))"
    )
    done = subprocess.run(
        [str(python), "-c", code, *names], capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return dict(sorted(found.items()))


def child_environment() -> dict[str, str]:
    """A contender's environment: ours, with the benchmark importable and nothing phoning home."""
    root = str(Path(__file__).parent.parent)
    return {
        **os.environ,
        "PYTHONPATH": root,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"the peers' environment could not be made: {error}") from error
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(
            "the peers' environment could not be made: " + " ".join(words[-3:])[-300:]
        )
