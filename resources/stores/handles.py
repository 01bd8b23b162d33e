"""What passes between the ops of one run: small records as JSON in the home folder (IO manager `handles`).

JSON and nothing else: a value that is unpickled is a program that is run. The folder follows from the home folder
alone and the file's name from the run, so nothing that is chosen at launch can move either. Ops in different
processes of one machine find each other's records; so does a retry that starts from the failed step.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from resources.failures import boundary
from resources.home import waybill_home
from resources.kernel.errors import GoneError, InputError, IntegrityError

SIZE_LIMIT_BYTES = 1_000_000
_UNSAFE = re.compile(r"[^A-Za-z0-9_.\[\]-]")
_HINT = "Pass names and numbers between ops; data belongs into a dataset"


class HandleIOManager(dg.IOManager):
    """Part of Waybill, not a connector: the small records that pass between ops, as JSON in the home folder."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Writes `obj`; nothing for an output without a value."""
        if obj is None:
            return
        with boundary():
            path = handle_path(_names(context))
            _write(path, encode(obj, where=f"the op {context.step_key}"))

    def load_input(self, context: dg.InputContext) -> Any:
        """What the op before this one wrote."""
        with boundary():
            if context.upstream_output is None:
                raise InputError("an input of kind `handles` needs an op before it")
            return read_handle(handle_path(_names(context.upstream_output)))


def handles() -> dg.IOManagerDefinition:
    """The IO manager as a resource that takes no configuration."""
    return dg.IOManagerDefinition(
        resource_fn=lambda _context: HandleIOManager(),
        config_schema={},
        description=(HandleIOManager.__doc__ or "").strip(),
    )


def handles_folder() -> Path:
    """Where the records of all runs are; a folder a run."""
    return waybill_home() / "handles"


def handle_path(names: Sequence[str]) -> Path:
    """The file of an output: a folder for its run, then its step and its name.

    Raises:
        InputError: one of the names is no file name.
    """
    for name in names:
        if not name or _UNSAFE.search(name) or name.startswith("."):
            raise InputError(f"{name[:80]!r} cannot name a record between ops")
    return handles_folder() / names[0] / f"{'.'.join(names[1:])}.json"


def encode(value: Any, *, where: str) -> bytes:
    """`value` as JSON that reads back as the same value.

    Raises:
        InputError: it holds anything but texts, numbers, booleans, nulls, lists and objects of these; or too much.
    """
    try:
        text = json.dumps(value, allow_nan=False)
        same = json.loads(text) == value
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{where} returned what is no JSON: {error}", hint=_HINT) from error
    if not same:  # a tuple, a key that is no text
        raise InputError(f"{where} returned what JSON changes: {str(value)[:80]}", hint=_HINT)
    data = text.encode()
    if len(data) > SIZE_LIMIT_BYTES:
        raise InputError(
            f"{where} returned {len(data):,} bytes; {SIZE_LIMIT_BYTES:,} may pass between ops",
            hint=_HINT,
        )
    return data


def read_handle(path: Path) -> Any:
    """The record in `path`.

    Raises:
        GoneError: there is none.
        IntegrityError: it is no regular file, too large, or no JSON.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise GoneError(
            f"the record {path} is gone: it was left by an earlier op of the run",
            hint="Launch the whole run again instead of its last step",
        ) from error
    except OSError as error:  # a link
        raise _damaged(path, str(error.strerror)) from error
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(SIZE_LIMIT_BYTES + 1)
    if len(data) > SIZE_LIMIT_BYTES:
        raise _damaged(path, f"it has more than {SIZE_LIMIT_BYTES:,} bytes")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error


def _names(context: dg.OutputContext) -> list[str]:
    names = [context.run_id, context.step_key, context.name]
    return [*names, context.mapping_key] if context.mapping_key else names


def _write(path: Path, data: bytes) -> None:
    path.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    scratch = path.with_name(f".{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(scratch, flags, 0o600), "wb") as stream:
            stream.write(data)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _damaged(path: Path, reason: str) -> IntegrityError:
    return IntegrityError(
        f"the record {path} is damaged: {reason[:200]}",
        hint="Launch the whole run again instead of its last step",
        path=str(path),
    )
