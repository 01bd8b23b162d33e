"""The walk in docs/collections.md, executed as it stands there: an S3, each type of media, each command, each output."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from tests.project import project

DOCS = Path(__file__).parents[2] / "docs" / "collections.md"
STEP = re.compile(r"^((?:    [^\n]+\n)+)|^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
"""Commands, or a block with its language."""


def walk() -> list[tuple[str, str]]:
    """What is to be run, and what stands in blocks: `commands`, `yaml`, `python`, or an output."""
    text = DOCS.read_text(encoding="utf-8")
    text = text[text.index("## A walk from start to end") : text.index("\n## In the browser")]
    return [
        ("commands", found[1]) if found[1] else (found[2] or "output", found[3])
        for found in STEP.finditer(text)
    ]


@pytest.fixture
def bucket(s3_server, monkeypatch):
    monkeypatch.setenv("SITE_S3", s3_server.url)
    monkeypatch.setenv("SITE_KEY", s3_server.access_key)
    monkeypatch.setenv("SITE_SECRET", s3_server.secret_key)
    return s3_server.url


def lines_of(output: str) -> list[str]:
    return [" ".join(line.split()) for line in output.splitlines() if line.strip(" ─")]


def assert_told(told: str, output: str) -> None:
    """Each line of the docs is one of the output, in this order; `...` stands for anything."""
    left = iter(lines_of(output))
    for line in lines_of(told):
        wanted = ".*".join(map(re.escape, line.split("...")))
        assert any(re.fullmatch(wanted, found) for found in left), f"{line}\nis not in\n{output}"


@pytest.mark.e2e
def test_the_walk_does_what_it_says(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    steps = walk()
    blocks = dict(steps)
    Path("media.py").write_text(blocks["python"], encoding="utf-8")
    yaml = blocks["yaml"].replace("http://127.0.0.1:5555", bucket)
    output, ran = "", []
    with project(yaml) as definitions, dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        place = CommandContext(Location(definitions), instance)
        for kind, text in steps:
            if kind == "output":
                assert_told(text, output)
                output = ""
            for command in text.splitlines() if kind == "commands" else ():
                program, *arguments = shlex.split(command)
                if program == "python":
                    subprocess.run([sys.executable, *arguments], check=True, env=os.environ)
                elif program == "waybill" and arguments[0] != "init":
                    result = CliRunner().invoke(app, arguments, obj=place)
                    assert result.exit_code == 0, (command, result.output, result.exception)
                    output += result.output
                    ran.append(" ".join(arguments[:2]))
    assert len(list(Path("frames").glob("*.jpg"))) == 2
    assert ran.count("collection import") == 3
