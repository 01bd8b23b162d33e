"""The way in: what is in the files of an item, and pictures of them, asked of confined processes (T12, T14).

    with open_prober() as prober:
        looked = prober.look("image", [source])

Any number of threads may ask at once: a thread waits for bytes of its own file while the processes work on those of
others, so a few of them keep up with many slow objects.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import msgspec

from resources.collections.items import SEVERAL, MediaType
from resources.kernel.urls import without_secrets
from resources.media.dicom_series import series_problems
from resources.media.facts import (
    FACTS,
    DicomHeader,
    Facts,
    FileType,
    ImageFacts,
    SeriesFacts,
)
from resources.media.limits import MediaLimits
from resources.media.refusals import ContentRule, MediaRefusedError, media_refusal
from resources.media.requests import (
    FramesRequest,
    FramesWanted,
    LookRequest,
    PictureRequest,
    VideoPicture,
)
from resources.sandbox.pool import SandboxPool, usual_workers
from resources.sandbox.program import SandboxProgram, check_packages
from resources.sandbox.ranges import RangeSource

PARSERS = {"PIL": "pillow", "av": "av", "pydicom": "pydicom", "pypdfium2": "pypdfium2", "nibabel": "nibabel"}  # fmt: skip
"""Modules that a worker imports -> packages that they come with; all are in the extra `media`."""
PROGRAM = SandboxProgram("resources.media.worker", "reading media files", tuple(PARSERS))
_SIDE_BY_SIDE = 8
"""Files of one item that are read at once."""
_WAITING = 2
"""For each process that works there is one that waits for bytes: of three images in four the end is a request of its own."""
EDGE = 320
"""Pixels of the longer edge of a thumbnail."""
_FILE_OF: dict[MediaType, FileType] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "image_group": "image",
    "image_sequence": "image",
    "dicom_series": "dicom",
    "text": "text",
    "pdf": "pdf",
    "nifti": "nifti",
}

_encode = msgspec.msgpack.Encoder().encode
_picture = msgspec.msgpack.Decoder(VideoPicture).decode
_facts: dict[FileType, Callable[[bytes], Facts]] = {
    kind: msgspec.msgpack.Decoder(fields).decode for kind, fields in FACTS.items()
}


class MediaProblem(msgspec.Struct, frozen=True):
    """What is wrong with one file of an item."""

    rule: ContentRule
    message: str
    source: int
    """Which file, by its position."""


class Looked(msgspec.Struct, frozen=True):
    """What a look at an item told: its media metadata, or what is wrong with it."""

    media: bytes | None = None
    """Media metadata as compact JSON; of single items the fields of `MEDIA_FIELDS`."""
    problems: tuple[MediaProblem, ...] = ()
    """All that was found, in the order of the files; the first one is the item's error."""


class Prober:
    """Looks at media files in confined processes. Made by `open_prober`."""

    def __init__(self, pool: SandboxPool, threads: ThreadPoolExecutor, limits: MediaLimits) -> None:
        self._pool = pool
        self._threads = threads
        self._limits = limits

    @property
    def confinement(self) -> list[str]:
        """How the system confines the processes, once one was started: `limits`, `seccomp`, `landlock`."""
        return list(self._pool.confinement)

    def look(self, announced: MediaType, sources: Sequence[RangeSource]) -> Looked:
        """What is in the files of an item.

        Args:
            announced: what the item is said to be.
            sources: its files, in their order.

        Raises:
            WaybillError: what reading from a source raised.
            StorageError: no process can be started.
        """
        kind = _FILE_OF[announced]
        if announced not in SEVERAL:
            return self._look_at_one(kind, sources[0])
        found = list(self._threads.map(lambda source: self._try_facts(kind, source), sources))
        problems = [
            MediaProblem(one.rule, f"{_shown(sources[number])}: {one.message}", number)
            for number, one in enumerate(found)
            if isinstance(one, MediaRefusedError)
        ]
        if problems:
            return Looked(problems=tuple(problems))
        return _together(announced, sources, [one for one in found if isinstance(one, Facts)])

    def _look_at_one(self, kind: FileType, source: RangeSource) -> Looked:
        found = self._try_facts(kind, source)
        if isinstance(found, MediaRefusedError):
            return Looked(problems=(MediaProblem(found.rule, found.message, 0),))
        return Looked(media=msgspec.json.encode(found))

    def _try_facts(self, kind: FileType, source: RangeSource) -> Facts | MediaRefusedError:
        try:
            return self._facts(kind, source)
        except MediaRefusedError as refused:
            return refused

    def _facts(self, kind: FileType, source: RangeSource) -> Facts:
        options = _encode(LookRequest(kind, self._limits.pixels))
        (answer,) = self._pool.ask("look", kind, [source], options, self._limits.read_bytes)
        try:
            return _facts[kind](answer)
        except msgspec.DecodeError as error:  # of a hostile file, or a figure that no file can have
            raise MediaRefusedError(
                "object_unreadable", f"What it says of itself makes no sense: {error}"
            ) from None

    def thumbnail(self, announced: MediaType, sources: Sequence[RangeSource]) -> bytes | None:
        """A small picture (WebP, at most 320 pixels wide and high) of an item; None: its type has none.

        Of a group or sequence the first file is shown, of a DICOM series the one in the middle.

        Raises:
            MediaRefusedError: the file is not what was announced, or cannot be decoded.
            WaybillError: what reading from a source raised.
        """
        source = sources[shown_file(announced, len(sources))]
        return self.picture(_FILE_OF[announced], source)

    def picture(
        self, kind: FileType, source: RangeSource, *, place: int | None = None, edge: int = EDGE
    ) -> bytes | None:
        """A picture (WebP) of one file; None: its type has none.

        Args:
            kind: what the file is said to be.
            source: the file.
            place: which page, slice or frame, from 0 on, or which millisecond of a video; None: what stands for it.
            edge: pixels of its longer edge at most. Nothing is enlarged but pages.

        Raises:
            MediaRefusedError: the file is not what was announced, cannot be decoded, or has no such page.
            WaybillError: what reading from the source raised.
        """
        options = _encode(PictureRequest(kind, self._limits.pixels, edge, place))
        answers = list(
            self._pool.ask("picture", kind, [source], options, self._limits.picture_read_bytes)
        )
        if not answers:
            return None
        if answers[0][:4] != b"RIFF" or answers[0][8:12] != b"WEBP":
            raise MediaRefusedError("object_unreadable", "No picture of it could be made")
        return answers[0]

    def frames(self, source: RangeSource, wanted: FramesWanted) -> Generator[VideoPicture]:
        """Frames of a video as pictures, in their order, each once, made while they are taken.

        A position behind the last frame gives none. Until the last one was taken, or the iterator was closed, it has a
        process for itself.

        Args:
            source: the video.
            wanted: which frames.

        Raises:
            MediaRefusedError: it is no video, or a frame goes beyond a limit.
            WaybillError: what reading from the source raised.
        """
        options = _encode(FramesRequest(wanted, self._limits.pixels))
        for answer in self._pool.ask(
            "frames", "video", [source], options, self._limits.picture_read_bytes
        ):
            yield _picture(answer)


@contextmanager
def open_prober(
    limits: MediaLimits | None = None, *, workers: int | None = None
) -> Iterator[Prober]:
    """A prober and its processes, which start when they are needed and end with the context.

    Args:
        limits: of each file.
        workers: how many processes at most; twice as many as usual when left out.

    Raises:
        MissingDependencyError: the packages that read media are not installed.
    """
    check_parsers()
    limits = limits or MediaLimits()
    count = workers or usual_workers() * _WAITING
    with (
        ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="media") as threads,
        SandboxPool(PROGRAM, limits, count, media_refusal) as pool,
    ):
        yield Prober(pool, threads, limits)


def file_type_of(announced: MediaType) -> FileType:
    """What each file of an item is."""
    return _FILE_OF[announced]


def shown_file(announced: MediaType, count: int) -> int:
    """Which of the files of an item stands for it: of a series the one in the middle."""
    return count // 2 if announced == "dicom_series" else 0


def check_parsers() -> None:
    """Refuses to begin without the packages that read media.

    Raises:
        MissingDependencyError: one is not installed.
    """
    check_packages(PARSERS, "media", "Looking into media files")


def _together(
    announced: MediaType, sources: Sequence[RangeSource], found: Sequence[Facts]
) -> Looked:
    size = sum(source.size for source in sources)
    if announced == "dicom_series":
        headers = [one for one in found if isinstance(one, DicomHeader)]
        problems = [
            MediaProblem("dicom_inconsistent", f"{_shown(sources[number])}: {message}", number)
            for number, message in series_problems(headers)
        ]
        frames = sum(max(header.frames, 1) for header in headers)
        facts = SeriesFacts(
            "application/dicom", size, len(found), headers[0].columns or None, headers[0].rows or None, frames,
        )  # fmt: skip
        return Looked(problems=tuple(problems)) if problems else Looked(msgspec.json.encode(facts))
    images = [one for one in found if isinstance(one, ImageFacts)]
    if announced == "image_sequence":
        problems = _uneven(sources, images)
        if problems:
            return Looked(problems=tuple(problems))
    return Looked(msgspec.json.encode(_group(images, size)))


def _shown(source: RangeSource) -> str:
    """Its name without what may be a password or a signature."""
    return without_secrets(source.name)


def _group(images: Sequence[ImageFacts], size: int) -> SeriesFacts:
    mimes = {image.mime_type for image in images}
    sizes = {(image.width, image.height) for image in images}
    width, height = next(iter(sizes)) if len(sizes) == 1 else (None, None)
    mime = mimes.pop() if len(mimes) == 1 else "image/mixed"
    return SeriesFacts(mime, size, len(images), width, height)


def _uneven(sources: Sequence[RangeSource], images: Sequence[ImageFacts]) -> list[MediaProblem]:
    """Images of a sequence that are not as large as the first one."""
    first = images[0]
    return [
        MediaProblem(
            "object_type_mismatch",
            f"Expected an image of {first.width} x {first.height} pixels, as the first of the sequence is,"
            f" got one of {image.width} x {image.height}: {_shown(sources[number])}",
            number,
        )
        for number, image in enumerate(images)
        if (image.width, image.height) != (first.width, first.height)
    ]
