"""A code location made of YAML text, for tests: the same way the project's own `defs/` is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster.components.testing import create_defs_folder_sandbox

from orchestration.definitions import build_defs
from orchestration.loading.problems import refuse
from orchestration.loading.project import load_project
from resources.kernel.keys import SHARED_RESOURCES


@contextmanager
def project(yaml: str, *, python: str = "", name: str | None = None) -> Iterator[dg.Definitions]:
    """Definitions of a project whose `defs/` hold `yaml` (documents split by `---`) and a Python file."""
    with create_defs_folder_sandbox(project_name=name) as sandbox:
        folder = Path(sandbox.defs_folder_path) / "declared"
        folder.mkdir(parents=True)
        (folder / "defs.yaml").write_text(yaml, encoding="utf-8")
        if python:
            (Path(sandbox.defs_folder_path) / "written.py").write_text(python, encoding="utf-8")
        with sandbox.build_component_tree() as tree:  # makes the sandbox importable
            found = load_project(tree.defs_module, tree.project_root, provided=SHARED_RESOURCES)
            refuse(found.problems)
            yield build_defs(loaded=found.definitions)


def materialize(
    definitions: dg.Definitions,
    *keys: str,
    instance: dg.DagsterInstance,
    raise_on_error: bool = True,
    tags: dict[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Runs the assets named `noun/name` as one run of the implicit job."""
    selection = [dg.AssetKey.from_user_string(key) for key in keys]
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=instance, asset_selection=selection, raise_on_error=raise_on_error, tags=tags
    )
