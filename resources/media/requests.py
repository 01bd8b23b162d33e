"""What a worker is asked for, and pictures as they come back: the words of both sides."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from resources.media.facts import FileType

PictureFormat = Literal["webp", "jpeg", "png"]
KeyframeMode = Literal["frame", "seconds"]


class LookRequest(Struct, frozen=True):
    """Facts of one file."""

    announced: FileType
    pixels: int
    """Most that a picture of it may have."""


class PictureRequest(Struct, frozen=True):
    """One picture of one file."""

    announced: FileType
    pixels: int
    """Most that what is decoded may have."""
    edge: int
    """Pixels of its longer edge, at most."""
    place: int | None = None
    """Which page, slice or frame, from 0 on; of a video a millisecond. None: the one that stands for the file."""


class FramesWanted(Struct, frozen=True):
    """Which frames of a video."""

    sampling_rate: Annotated[float, Meta(ge=0, le=1_000)] = 1.0
    """Frames a second; 0: the first frame and the key frames alone."""
    keyframes: tuple[Annotated[float, Meta(ge=0, le=1e9)], ...] = ()
    """Positions that are wanted besides."""
    mode: KeyframeMode = "frame"
    """Whether those are numbers of frames, from 0 on, or seconds from the first frame on."""
    form: PictureFormat = "jpeg"
    pictures: bool = True
    """Whether they are wanted as pictures, or only which there are."""
    start: Annotated[int, Meta(ge=0, le=2**53)] = 0
    """Number of the first frame that may be given: those before it count, and are left out."""


class FramesRequest(Struct, frozen=True):
    """Frames of one video."""

    wanted: FramesWanted
    pixels: int


class VideoPicture(Struct, frozen=True):
    """One frame of a video."""

    number: int
    """How many frames come before it."""
    seconds: float
    """When it is shown, from the first frame on."""
    is_keyframe: bool
    """Whether it was asked for by its position."""
    data: bytes
    """The file of the picture, upright, as large as the video; empty where none was wanted."""
