"""Manifests: what a version is, as JSON beside the data (2a). Text in, records out; no input or output here.

A manifest is immutable and is the only thing that makes files a version. Its format has a number: a reader that
meets a newer one says so instead of guessing.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from resources.kernel.errors import InputError, IntegrityError, StorageError
from resources.kernel.records import StoredFile, StoredVersion

FORMAT = 2
"""The newest that is understood. Versions in partitions have it; all others are written as 1, which older Waybills read."""
_PLAIN = 1
_NAME = re.compile(r"(\d{20})\.json")
_REMOVED = re.compile(r"(\d{20})\.removed")
_FILE = re.compile(r"data/[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_. -]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEAD = re.compile(
    rb'\{\s*"format": (?P<format>\d+),\s*"number": (?P<number>\d+),\s*"run_id": "(?P<run>[^"\\]+)",'
)


@dataclass(frozen=True)
class Manifest(StoredVersion):
    """A stored version with its exact Arrow schema, which text forms of types cannot give back."""

    arrow_schema: pa.Schema | None = None
    """None for what is no table."""


def manifest_name(number: int) -> str:
    """File name of a version's manifest: names sort as numbers do."""
    return f"{number:020d}.json"


def manifest_number(name: str) -> int | None:
    """The version that a file name stands for; None for anything that is no manifest."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def removed_name(number: int) -> str:
    """File name of the mark that says: versions up to `number` were removed, and no number is given out again."""
    return f"{number:020d}.removed"


def removed_number(name: str) -> int | None:
    """The version up to which a file name says that all were removed; None for anything else."""
    match = _REMOVED.fullmatch(name)
    return int(match[1]) if match else None


def schema_texts(schema: pa.Schema | None) -> tuple[tuple[str, str], ...]:
    """(column, Arrow type as text) for people and comparisons."""
    return tuple((field.name, str(field.type)) for field in schema) if schema is not None else ()


def json_properties(properties: Mapping[str, Any]) -> dict[str, object]:
    """`properties` exactly as they will be read back; tuples become lists.

    Raises:
        InputError: something JSON cannot hold, naming where it sits.
    """
    return {_key(key, "properties"): _json(value, key) for key, value in properties.items()}


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest's JSON text."""
    arrow = manifest.arrow_schema
    partitioned = {"partitioned_by": manifest.partitioned_by} if manifest.partitioned_by else {}
    document = {
        "format": FORMAT if partitioned else _PLAIN,
        "number": manifest.number,
        "run_id": manifest.run_id,
        "created_at": manifest.created_at.isoformat(),
        "rows": manifest.rows,
        **partitioned,
        "files": [_file_entry(file) for file in manifest.files],
        "schema": [{"column": name, "type": kind} for name, kind in manifest.schema],
        "arrow_schema": base64.b64encode(arrow.serialize()).decode() if arrow is not None else None,
        "properties": manifest.properties,
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode()


def decode_manifest(data: bytes, *, number: int, where: str) -> Manifest:
    """The manifest of version `number`, read from `where`.

    Raises:
        StorageError: written by a newer Waybill.
        IntegrityError: no manifest, or one that names files outside its data folder.
    """
    document = _document(data, where)
    if document["format"] > FORMAT:
        raise StorageError(
            f"{where} has manifest format {document['format']}; this Waybill reads up to {FORMAT}",
            hint="It was written by a newer Waybill: upgrade this one",
            path=where,
        )
    try:
        manifest = _manifest(document)
    except (KeyError, TypeError, ValueError, AttributeError, pa.ArrowException) as error:
        raise _damaged(where, f"{type(error).__name__} {error}") from error
    if manifest.number != number:
        raise _damaged(where, f"it says version {manifest.number}")
    return manifest


def decode_run_id(head: bytes, *, number: int) -> str | None:
    """The run that made version `number`, from the first bytes of its manifest.

    None when they do not tell, or tell of a format or a number that only the whole manifest can explain.
    """
    match = _HEAD.match(head)
    if match is None or int(match["format"]) > FORMAT or int(match["number"]) != number:
        return None
    return match["run"].decode()


def _document(data: bytes, where: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise _damaged(where, "it is not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("format"), int):
        raise _damaged(where, "it has no format number")
    return document


def _manifest(document: dict[str, Any]) -> Manifest:
    encoded = document["arrow_schema"]
    arrow = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded))) if encoded else None
    return Manifest(
        number=int(document["number"]),
        run_id=str(document["run_id"]),
        created_at=datetime.fromisoformat(document["created_at"]).astimezone(UTC),
        files=tuple(_file(entry) for entry in document["files"]),
        rows=document["rows"],
        schema=tuple((entry["column"], entry["type"]) for entry in document["schema"]),
        properties=dict(document["properties"]),
        partitioned_by=document.get("partitioned_by"),
        arrow_schema=arrow,
    )


def _file_entry(file: StoredFile) -> dict[str, Any]:
    entry = {
        "path": file.path,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "rows": file.rows,
    }
    return entry if file.partition is None else entry | {"partition": file.partition}


def _file(entry: dict[str, Any]) -> StoredFile:
    path, digest = entry["path"], entry["sha256"]
    if not _FILE.fullmatch(path) or ".." in path or not _SHA256.fullmatch(digest):
        raise ValueError(f"file entry {path!r}")
    partition = entry.get("partition")
    if not isinstance(partition, str | None):
        raise TypeError(f"partition {partition!r}")
    return StoredFile(path, int(entry["size_bytes"]), digest, entry.get("rows"), partition)


def _damaged(where: str, reason: str) -> IntegrityError:
    return IntegrityError(
        f"The manifest {where} is damaged: {reason[:120]}",
        hint="Restore this file from a backup, or publish a new version; other versions are readable",
        path=where,
    )


def _json(value: object, where: str) -> object:
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_json(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {_key(key, where): _json(item, f"{where}.{key}") for key, item in value.items()}
    raise InputError(
        f"The property {where} holds {str(value)[:60]!r} ({type(value).__name__}), which JSON cannot keep",
        hint="Use text, finite numbers, booleans, null, lists and mappings with text keys",
        property=where,
    )


def _key(key: object, where: str) -> str:
    if isinstance(key, str):
        return key
    raise InputError(
        f"A key in {where} is {key!r}, not text", hint="JSON keys are text", property=where
    )
