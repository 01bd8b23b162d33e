"""Whether the process of a run is gone, told from the run's tags.

Two kinds of run can be told to be dead without doubt: one whose process no longer holds its lock, and one of a
code server whose socket nobody answers. Of any other nothing is known, and it counts as alive.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

from orchestration.services.locks import RUN_LOCK_TAG, is_held

SERVER_TAG = ".dagster/grpc_info"
"""Where Dagster's default launcher notes the code server that a run belongs to."""


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether the process of the run with these tags has certainly ended."""
    if RUN_LOCK_TAG in tags:
        return not is_held(Path(tags[RUN_LOCK_TAG]))
    server = json.loads(tags.get(SERVER_TAG, "{}")).get("socket")
    return server is not None and not _answers(server)


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True
