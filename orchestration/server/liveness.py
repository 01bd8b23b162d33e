"""Whether the process of a run is gone.

Two kinds of run can be told to be dead without doubt: one whose process no longer holds its lock, and one of a
code server whose socket does not answer. Of any other nothing is known, and it counts as alive. What a tag names outside
the folders of this home and of its servers is neither looked at nor asked: the user who launches a run writes its tags.
"""

from __future__ import annotations

import dagster as dg

from orchestration.server.probe import answers
from orchestration.server.workspace import is_own_socket
from orchestration.services.runs.process import RunProcess


def is_dead(run: dg.DagsterRun) -> bool:
    """Whether the process of the run has certainly ended."""
    process = RunProcess.of(run.run_id, run.tags)
    if process is None:
        return False
    is_gone = process.is_gone
    if is_gone is not None:
        return is_gone
    return is_own_socket(process.server) and not answers(process.server)
