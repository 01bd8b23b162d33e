"""Having a running server read the project's files anew, from another process of the same home folder."""

from __future__ import annotations

import json

import grpc  # type: ignore[import-untyped]  # it has none
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

from orchestration.services.home import Home
from orchestration.services.locks import CODE_LOCK, is_held, read_note
from resources.kernel.errors import ConflictError
from resources.project import find_project

RELOAD_SECONDS = 170


def reload_server(home: Home) -> bool:
    """Returns when the server of this home folder has read the project's files anew; False where there is none.

    Raises:
        ConflictError: they do not load; what was loaded before stays.
    """
    lock = home.locks / CODE_LOCK
    if not is_held(lock):
        return False
    sockets = json.loads(read_note(lock) or "{}")
    socket = sockets.get(find_project().location)
    if socket is None:  # it serves another project
        return False
    try:
        DagsterGrpcClient(socket=socket).reload_code(timeout=RELOAD_SECONDS)
    except (DagsterUserCodeUnreachableError, grpc.RpcError) as error:
        raise ConflictError(
            "the server could not read the project's files anew",
            hint="`waybill check` says what is wrong; reload the code location in the web UI afterwards",
        ) from error
    return True
