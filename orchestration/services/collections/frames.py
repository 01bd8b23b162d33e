"""Frames of videos, read out: as files of a folder, as a list of which there are, or a single one."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from orchestration.location import Location
from orchestration.services.access.actor import Actor
from orchestration.services.asking.question import Desk
from orchestration.services.collections.declared import DeclaredCollections
from orchestration.services.collections.item_files import file_of
from orchestration.services.collections.item_media import MediaObjects
from orchestration.services.collections.items import ShownItem, show_item
from orchestration.services.home import open_home
from resources.collections.metadata_frames import Frames, frames_of
from resources.kernel.errors import InputError, NotFoundError, StorageError
from resources.media.prober import open_prober
from resources.media.refusals import MediaRefusedError
from resources.media.requests import FramesWanted, PictureFormat, VideoPicture
from resources.scratch import ScratchFolder

INDEX = "frames.csv"
FIELDS = ("frame", "seconds", "is_keyframe", "file")
ENDINGS: dict[PictureFormat, str] = {"jpeg": "jpg", "png": "png", "webp": "webp"}
MOST = 1_000
"""Frames of one page of a list."""
_MOST_RATE = 1_000.0
_MOST_PLACE = 1e9
"""Positions beyond it are in no video; a worker takes none."""


@dataclass(frozen=True)
class Frame:
    """One frame of a video."""

    frame: int
    """How many come before it."""
    seconds: float
    """When it is shown, from the first one on."""
    is_keyframe: bool
    """Whether the item's metadata name it."""


@dataclass(frozen=True)
class FrameList:
    """Frames of a video, as they are sampled."""

    sampling_rate: float
    """Frames a second; 0: the first one and the key frames."""
    keyframe_mode: str
    frames: tuple[Frame, ...]
    next: int | None
    """The frame to ask from for those that follow; None at the end."""


@dataclass(frozen=True)
class WrittenFrames:
    """What was written into a folder."""

    folder: str
    frames: int
    keyframes: int
    sampling_rate: float


@dataclass(frozen=True)
class VideoOfItem:
    """A video and what its metadata say of its frames."""

    collection: str
    item: ShownItem

    @property
    def told(self) -> Frames:
        """What its metadata say."""
        return frames_of(self.item.metadata or {})

    def wanted(
        self, rate: float | None, form: PictureFormat = "jpeg", *, pictures: bool = True
    ) -> FramesWanted:
        """Its key frames, and those of a sampling rate: of its own when None.

        Raises:
            InputError: a rate that no video has.
        """
        told = self.told
        chosen = told.sampling_rate if rate is None else rate
        if not 0 <= chosen <= _MOST_RATE:
            raise InputError(
                f"a sampling rate of {chosen:g} frames a second",
                hint=f"Give 0 (the first frame and the key frames) to {_MOST_RATE:g}",
            )
        places = tuple(place for place in map(float, told.frames) if place <= _MOST_PLACE)
        return FramesWanted(chosen, places, told.keyframe_mode, form, pictures)


def video_of(collections: DeclaredCollections, name: str, item_id: int) -> VideoOfItem:
    """An item that is a video.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: it has no such item.
        InputError: the item is no video.
    """
    item = show_item(collections, name, item_id)
    if item.type != "video":
        raise InputError(
            f"item {item_id} of {name} is of type {item.type}: only videos have frames",
            hint="`waybill collection items NAME --filter 'type = video'` lists those",
        )
    return VideoOfItem(name, item)


def list_frames(
    desk: Desk, video: VideoOfItem, rate: float | None, *, start: int = 0, limit: int = MOST
) -> FrameList:
    """Frames of a video from a number on. It is decoded up to the last of them, from its beginning or a key frame on.

    Raises:
        InputError: it is no video that can be decoded; a rate that no video has.
        WaybillError: its bytes cannot be had.
    """
    wanted = replace(video.wanted(rate, pictures=False), start=start)
    found: list[Frame] = []
    with _taken(desk, video, wanted) as pictures:
        for picture in pictures:
            if len(found) == min(limit, MOST):
                return FrameList(wanted.sampling_rate, wanted.mode, tuple(found), picture.number)
            found.append(_frame(picture))
    return FrameList(wanted.sampling_rate, wanted.mode, tuple(found), None)


def one_frame(desk: Desk, video: VideoOfItem, number: int, form: PictureFormat) -> VideoPicture:
    """A frame by its number, as large as the video.

    Raises:
        NotFoundError: the video has not so many.
        InputError: it is no video that can be decoded.
        WaybillError: its bytes cannot be had.
    """
    wanted = FramesWanted(0, (float(min(number, _MOST_PLACE)),), "frame", form, start=number)
    with _taken(desk, video, wanted) as pictures:
        for picture in pictures:
            if picture.number == number:
                return picture
    raise NotFoundError(f"{_name(video)} has no frame {number:,}", hint="Frames count from 0")


def write_item_frames(
    location: Location,
    user: str,
    name: str,
    item_id: int,
    rate: float | None,
    target: Path,
    form: str,
) -> WrittenFrames:
    """Writes frames of an item into a new folder; see `write_frames`.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: it has no such item.
        InputError: a form that no picture has; what `write_frames` refuses.
    """
    known: dict[str, PictureFormat] = {each: each for each in ENDINGS}
    if form not in known:
        raise InputError(f"no picture has the format {form!r}", hint="Use jpeg, png or webp")
    video = video_of(DeclaredCollections.of(location), name, item_id)
    desk = Desk("", open_home(), Actor(user, via="shell"), lambda: location)
    return write_frames(desk, video, rate, target, known[form])


def write_frames(
    desk: Desk, video: VideoOfItem, rate: float | None, target: Path, form: PictureFormat
) -> WrittenFrames:
    """Writes frames into a new folder, which is there whole or not at all, and a list of them beside them.

    Raises:
        InputError: the folder is there already and not empty; it is no video that can be decoded.
        StorageError: the disk is full or forbidden.
        WaybillError: its bytes cannot be had.
    """
    wanted = video.wanted(rate, form)
    try:
        with _new_folder(target) as folder, _taken(desk, video, wanted) as pictures:
            frames = list(_written(folder, pictures, ENDINGS[form]))
    except OSError as error:
        raise StorageError(
            f"cannot write {target}: {error.strerror or error}",
            hint="Check free space, quota and permissions there",
            path=str(target),
        ) from error
    keyframes = sum(frame.is_keyframe for frame in frames)
    return WrittenFrames(str(target), len(frames), keyframes, wanted.sampling_rate)


def _written(folder: Path, pictures: Iterator[VideoPicture], ending: str) -> Iterator[Frame]:
    with (folder / INDEX).open("w", newline="", encoding="utf-8") as index:
        rows = csv.writer(index)
        rows.writerow(FIELDS)
        for picture in pictures:
            file = f"frame-{picture.number:08d}.{ending}"
            (folder / file).write_bytes(picture.data)
            is_key = "true" if picture.is_keyframe else "false"
            rows.writerow((picture.number, picture.seconds, is_key, file))
            yield _frame(picture)


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """A folder that becomes `target` when the context ends well; one of a killed process is removed by the next."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} is there already", hint="Name a new or an empty folder")
    parent = target.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    mark = f".{target.name}.frames-"
    for left in parent.glob(f"{mark}*"):
        if not _is_alive(left.name.removeprefix(mark)):
            shutil.rmtree(left, ignore_errors=True)
    partial = parent / f"{mark}{os.getpid()}"
    partial.mkdir()
    try:
        yield partial
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _taken(
    desk: Desk, video: VideoOfItem, wanted: FramesWanted
) -> Iterator[Iterator[VideoPicture]]:
    """Pictures of a video while the context lives; what is wrong with the video names it."""
    with ScratchFolder("media") as scratch, open_prober(workers=1) as prober:
        objects = MediaObjects.of_desk(desk, scratch.path)
        try:
            with (
                objects.open(file_of(video.collection, video.item, 0)) as opened,
                closing(prober.frames(opened, wanted)) as pictures,
            ):
                yield pictures
        except MediaRefusedError as refused:
            raise InputError(
                f"{_name(video)}: {refused.message} ({refused.rule})",
                hint="Look at the file where it lies, and import the item again when it is mended",
                item=video.item.id,
                rule=refused.rule,
            ) from refused


def _name(video: VideoOfItem) -> str:
    return f"item {video.item.id} of {video.collection} ({video.item.title})"


def _frame(picture: VideoPicture) -> Frame:
    return Frame(picture.number, picture.seconds, picture.is_keyframe)
