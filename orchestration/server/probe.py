"""Is the server up, and did its code load? Asked through the front door, as a browser would."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 2
_QUERY = """{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus
  locationOrLoadError { __typename ... on PythonError { message } } } } ... on PythonError { message } } }"""


@dataclass(frozen=True)
class Readiness:
    """What the server answered."""

    loaded: tuple[str, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    """(code location, why it does not load)"""
    loading: bool = False


def ask(listener: socket.socket, secret: str) -> Readiness | None:
    """The state of the code locations; None while there is no answer.

    Args:
        listener: where the server answers.
        secret: lets this request in without signing in.
    """
    host, port = listener.getsockname()[:2]
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
    try:
        connection.request("POST", "/graphql", json.dumps({"query": _QUERY}), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            return None
        return _read(json.load(answer)["data"]["workspaceOrError"])
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _read(workspace: dict[str, Any]) -> Readiness:
    if "message" in workspace:
        return Readiness(errors=(("workspace", str(workspace["message"])),))
    loaded, errors, loading = [], [], False
    for entry in workspace["locationEntries"]:
        state = entry["locationOrLoadError"]
        if entry["loadStatus"] == "LOADING" or state is None:
            loading = True
        elif state["__typename"] == "PythonError":
            errors.append((entry["name"], str(state["message"])))
        else:
            loaded.append(entry["name"])
    return Readiness(tuple(loaded), tuple(errors), loading)


def answers(path: str | Path) -> bool:
    """Whether a process listens at a socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
