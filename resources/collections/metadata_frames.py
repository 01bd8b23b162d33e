"""The member of a video's metadata that is reserved for its frames.

```json
{"$waybill": {"config": {"sampling_rate": 1, "keyframe_mode": "frame"}, "frames": {"13": {"blur": 0.2}}}}
```
`$encord` is taken for `$waybill`, and the older `"keyframes": [13, 17]` for frames without metadata of their own. It is kept
under `$waybill`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from resources.collections.items import MediaType
from resources.collections.metadata_schema import MetadataSchema
from resources.collections.metadata_values import (
    MetadataProblem,
    Path,
    check_value,
    is_vector_like,
    shown,
)

RESERVED = "$waybill"
ALIAS = "$encord"
OLD_KEYFRAMES = "keyframes"
CONFIG, FRAMES = "config", "frames"

SAMPLING_RATE = 1
"""Frames a second, unless `sampling_rate` says otherwise; 0: the first frame and the key frames."""
KeyframeMode = Literal["frame", "seconds"]
KEYFRAME_MODE: KeyframeMode = "frame"

_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
_SECONDS = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_NUMBERS = (int, float)


class Frames(msgspec.Struct, frozen=True):
    """What metadata says of a video's frames."""

    sampling_rate: float = SAMPLING_RATE
    keyframe_mode: KeyframeMode = KEYFRAME_MODE
    frames: Mapping[str, Mapping[str, Any]] = {}
    """Key frames by frame number or second, each with its own metadata."""


def frames_of(metadata: Mapping[str, Any]) -> Frames:
    """Of metadata that was checked and normalised."""
    reserved = metadata.get(RESERVED) or {}
    config = reserved.get(CONFIG) or {}
    return Frames(
        config.get("sampling_rate", SAMPLING_RATE),
        config.get("keyframe_mode", KEYFRAME_MODE),
        reserved.get(FRAMES) or {},
    )


def normalised(metadata: dict[str, Any]) -> dict[str, Any]:
    """Checked metadata with what is reserved under its one name."""
    if not any(name in metadata for name in (ALIAS, OLD_KEYFRAMES)):
        return metadata
    plain = {k: v for k, v in metadata.items() if k not in (ALIAS, RESERVED, OLD_KEYFRAMES)}
    reserved = dict(metadata.get(RESERVED) or metadata.get(ALIAS) or {})
    if old := metadata.get(OLD_KEYFRAMES):
        reserved[FRAMES] = {str(place): {} for place in old} | (reserved.get(FRAMES) or {})
    return plain | {RESERVED: reserved} if reserved else plain


def check_metadata(
    metadata: Mapping[str, Any], kind: MediaType, schema: MetadataSchema | None
) -> Iterator[MetadataProblem]:
    """Whether the keys of storable metadata are what the schema and the reserved names allow."""
    for name, value in metadata.items():
        if name in (RESERVED, ALIAS):
            yield from _check_reserved(name, value, kind, schema)
        elif name == OLD_KEYFRAMES:
            yield from _check_keyframes(value, kind)
        elif name.startswith("$"):
            yield MetadataProblem(
                (name,),
                "reserved_key_invalid",
                f"names that begin with $ are reserved, and {shown(name)} is none of them",
                f"Rename it, or write {RESERVED} for what concerns frames",
            )
        else:
            yield from _check_declared(name, value, kind, schema)
    yield from _check_together(metadata)


def _check_together(metadata: Mapping[str, Any]) -> Iterator[MetadataProblem]:
    if RESERVED in metadata and ALIAS in metadata:
        message = f"{ALIAS} and {RESERVED} stand beside each other and mean the same"
        yield MetadataProblem((ALIAS,), "reserved_key_invalid", message, "Keep one of them")
    reserved = metadata.get(RESERVED, metadata.get(ALIAS))
    config = reserved.get(CONFIG) if isinstance(reserved, dict) else None
    mode = config.get("keyframe_mode") if isinstance(config, dict) else None
    if OLD_KEYFRAMES in metadata and mode == "seconds":
        message = "`keyframes` are frame numbers, but keyframe_mode is seconds"
        yield MetadataProblem(
            (OLD_KEYFRAMES,), "reserved_key_invalid", message, f"List them in {RESERVED}.frames"
        )


def _check_declared(
    name: str, value: object, kind: MediaType, schema: MetadataSchema | None
) -> Iterator[MetadataProblem]:
    key = schema.active(name) if schema else None
    if key is None:
        return
    if key.kind == "embedding" and kind == "video" and value is not None:
        yield MetadataProblem(
            (name,),
            "metadata_type_mismatch",
            f"{name!r} is a vector, and a video as a whole has none",
            f"Give it to single frames: {RESERVED}.frames",
        )
        return
    for found in check_value(key, value):
        yield found._replace(path=(name, *found.path))


def undeclared_vectors(metadata: Mapping[str, Any], schema: MetadataSchema | None) -> Iterator[str]:
    """Keys that look like embeddings and are kept as plain metadata, since nothing declares them."""
    for name, value in metadata.items():
        if type(value) is list and is_vector_like(value) and not (schema and schema.active(name)):
            yield name


def _check_reserved(
    name: str, value: object, kind: MediaType, schema: MetadataSchema | None
) -> Iterator[MetadataProblem]:
    if not isinstance(value, dict):
        yield _no_object((name,), name, value)
        return
    if kind != "video":
        yield _no_video((name,), name, kind)
        return
    for member in value:
        if member not in (CONFIG, FRAMES):
            message = f"{name} has no member {shown(member)}"
            yield MetadataProblem(
                (name, member), "reserved_key_invalid", message, "Known: config, frames"
            )
    config = value.get(CONFIG)
    if config is not None:
        yield from _check_config((name, CONFIG), config)
    frames = value.get(FRAMES)
    if frames is not None:
        mode = config.get("keyframe_mode") if isinstance(config, dict) else None
        yield from _check_frames((name, FRAMES), frames, mode or KEYFRAME_MODE, schema)


def _check_config(path: Path, config: object) -> Iterator[MetadataProblem]:
    if not isinstance(config, dict):
        yield _no_object(path, "config", config)
        return
    for member, value in config.items():
        if member == "sampling_rate":
            if isinstance(value, bool) or not isinstance(value, _NUMBERS) or value < 0:
                message = f"sampling_rate is {shown(value)}: a number of 0 or more is expected"
                hint = "Frames a second; 0 takes the first frame and the key frames"
                yield MetadataProblem((*path, member), "sampling_rate_invalid", message, hint)
        elif member == "keyframe_mode":
            if value not in ("frame", "seconds"):
                message = f"keyframe_mode is {shown(value)}"
                hint = "Write frame or seconds"
                yield MetadataProblem((*path, member), "keyframe_mode_invalid", message, hint)
        else:
            message = f"config has no member {shown(member)}"
            hint = "Known: sampling_rate, keyframe_mode"
            yield MetadataProblem((*path, member), "reserved_key_invalid", message, hint)


def _check_frames(
    path: Path, frames: object, mode: object, schema: MetadataSchema | None
) -> Iterator[MetadataProblem]:
    if not isinstance(frames, dict):
        yield _no_object(path, "frames", frames)
        return
    pattern, expected = (
        (_SECONDS, "seconds, such as 12.5")
        if mode == "seconds"
        else (_WHOLE, "whole numbers of frames, such as 13")
    )
    for place, metadata in frames.items():
        if not pattern.fullmatch(place):
            message = f"{shown(place)} names no frame: {expected} are expected"
            yield MetadataProblem((*path, place), "frame_key_invalid", message, "See keyframe_mode")
        if not isinstance(metadata, dict):
            yield _no_object((*path, place), "metadata of a frame", metadata)
            continue
        yield from _check_frame((*path, place), metadata, schema)


def _check_frame(
    path: Path, metadata: Mapping[str, Any], schema: MetadataSchema | None
) -> Iterator[MetadataProblem]:
    for name, value in metadata.items():
        if name.startswith("$") or name == OLD_KEYFRAMES:
            message = f"{shown(name)} is reserved, and means nothing within a frame"
            yield MetadataProblem((*path, name), "reserved_key_invalid", message, "Rename it")
        elif schema and (key := schema.active(name)):
            for found in check_value(key, value):
                yield found._replace(path=(*path, name, *found.path))


def _check_keyframes(value: object, kind: MediaType) -> Iterator[MetadataProblem]:
    if kind != "video":
        yield _no_video((OLD_KEYFRAMES,), OLD_KEYFRAMES, kind)
    elif type(value) is not list or not all(type(n) is int and 0 <= n < 10**15 for n in value):
        message = f"`keyframes` is no list of frame numbers: {shown(value)}"
        hint = f"The name is reserved: rename it, or list the frames in {RESERVED}.frames"
        yield MetadataProblem((OLD_KEYFRAMES,), "reserved_key_invalid", message, hint)


def _no_object(path: Path, name: str, value: object) -> MetadataProblem:
    message = f"{name} is {shown(value)}: an object is expected"
    return MetadataProblem(path, "reserved_key_invalid", message)


def _no_video(path: Path, name: str, kind: MediaType) -> MetadataProblem:
    message = f"{name} is about the frames of a video, and this is of type {kind}"
    return MetadataProblem(path, "config_not_video", message, "Remove it")
