"""Frames of a video as pictures: one that stands for it, or all that were asked for, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from math import ceil

import av
from av.container import InputContainer
from av.packet import Packet
from PIL import Image

from resources.media.parsers.pictures import encoded
from resources.media.parsers.pixels import check_pixels
from resources.media.parsers.video_seeking import Landing, land
from resources.media.refusals import MediaRefusedError
from resources.media.requests import FramesWanted, VideoPicture

_INTO = 10
"""The key frame before a tenth of the length stands for a video: the first ones are often black."""
_EARLY = Fraction(1, 1000)
"""A frame counts for a second that is so little before it: times are rounded to the container's own unit."""


def key_picture(container: InputContainer, stream: av.VideoStream, pixels: int) -> Image.Image:
    """The picture that stands for a video, upright.

    Raises:
        MediaRefusedError: none can be decoded.
    """
    check_pixels(stream.codec_context.width, stream.codec_context.height, pixels)
    stream.codec_context.skip_frame = "NONKEY"
    if container.duration:
        with_start = (container.start_time or 0) + container.duration // _INTO
        try:
            container.seek(with_start)
        except av.error.FFmpegError:
            container.seek(0)
    frame = next(_decoded(container, stream), None)
    if frame is None:
        raise MediaRefusedError("object_unreadable", "No frame of it can be decoded")
    return _upright(frame)


def picture_at(
    container: InputContainer, stream: av.VideoStream, milliseconds: int, pixels: int
) -> Image.Image:
    """The picture that is shown at a moment, counted from the first one, upright; behind the end the last one.

    Raises:
        MediaRefusedError: none can be decoded.
    """
    check_pixels(stream.codec_context.width, stream.codec_context.height, pixels)
    wanted = (container.start_time or 0) + milliseconds * 1000
    try:
        container.seek(wanted)
    except av.error.FFmpegError:
        container.seek(0)
    shown: av.VideoFrame | None = None
    for frame in _decoded(container, stream):
        moment = None if frame.pts is None else frame.pts * (frame.time_base or Fraction(1))
        if (
            shown is not None
            and moment is not None
            and moment > Fraction(wanted, av.time_base) + _EARLY
        ):
            break
        shown = frame
    if shown is None:
        raise MediaRefusedError("object_unreadable", "No frame of it can be decoded")
    return _upright(shown)


def frames(
    container: InputContainer, stream: av.VideoStream, wanted: FramesWanted, pixels: int
) -> Iterator[VideoPicture]:
    """The frames that are wanted, in their order, each once.

    A second means the frame that is shown then: the last that begins at it or before.
    """
    check_pixels(stream.codec_context.width, stream.codec_context.height, pixels)
    landing = land(container, stream, wanted.start)
    choice = _Choice(wanted)
    begin = 0 if landing is None else landing.number
    for number, (seconds, until, picture) in enumerate(_timed(container, stream, landing), begin):
        if number == begin:
            choice.leave_out(number, seconds)
        is_key, is_sampled = choice.is_key(number, until), choice.is_sampled(until)
        if number >= wanted.start and (is_key or is_sampled):
            data = encoded(_upright(picture), wanted.form) if wanted.pictures else b""
            yield VideoPicture(number, round(float(seconds), 6), is_key, data)
        if choice.is_over:
            return


class _Choice:
    """Which frames are wanted, asked of each in order. `until` is when the next frame begins."""

    def __init__(self, wanted: FramesWanted) -> None:
        self._keys = sorted({Fraction(key) for key in wanted.keyframes}, reverse=True)
        self._by_number = wanted.mode == "frame"
        self._step = 1 / Fraction(wanted.sampling_rate) if wanted.sampling_rate else None
        self._next: Fraction | None = Fraction(0)

    def leave_out(self, number: int, seconds: Fraction) -> None:
        """Leaves out what falls on frames before one: it is the first that is asked of."""
        if number:
            self.is_key(number - 1, seconds)
            self.is_sampled(seconds)

    def is_key(self, number: int, until: Fraction) -> bool:
        """Whether a key frame falls on this one."""
        end = Fraction(number + 1) if self._by_number else until - _EARLY
        before = len(self._keys)
        while self._keys and self._keys[-1] < end:
            self._keys.pop()
        return len(self._keys) < before

    def is_sampled(self, until: Fraction) -> bool:
        """Whether a moment of the sampling falls on it."""
        end = until - _EARLY
        if self._next is None or self._next >= end:
            return False
        self._next = None if self._step is None else ceil(end / self._step) * self._step
        return True

    @property
    def is_over(self) -> bool:
        """Whether no later frame is wanted."""
        return not self._keys and self._next is None


def _timed(
    container: InputContainer, stream: av.VideoStream, landing: Landing | None
) -> Iterator[tuple[Fraction, Fraction, av.VideoFrame]]:
    """Each frame, when it is shown from the first one on, and until when."""
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    before: tuple[Fraction, av.VideoFrame] | None = None
    for seconds, frame in _since(container, stream, rate, landing):
        if before is not None:
            yield before[0], max(seconds, before[0]), before[1]
        before = seconds, frame
    if before is not None:
        yield before[0], before[0] + 1 / rate, before[1]


def _since(
    container: InputContainer, stream: av.VideoStream, rate: Fraction, landing: Landing | None
) -> Iterator[tuple[Fraction, av.VideoFrame]]:
    """Frames with their times, from the first on or the one landed at; where the container gives none, those of the rate."""
    base = stream.time_base or Fraction(1)
    first = None if landing is None else landing.first
    peeked = () if landing is None else landing.peeked
    for number, frame in enumerate(_decoded(container, stream, peeked)):
        if frame.pts is None:
            yield number / rate, frame
        else:
            first = frame.pts if first is None else first
            yield (frame.pts - first) * base, frame


def _decoded(
    container: InputContainer, stream: av.VideoStream, before: Sequence[Packet[av.VideoStream]] = ()
) -> Iterator[av.VideoFrame]:
    """Frames as far as they can be decoded: what is damaged is left out, as players do."""
    for packet in chain(before, container.demux(stream)):
        try:
            yield from packet.decode()
        except av.error.MemoryError:
            raise MemoryError from None
        except av.error.InvalidDataError:
            continue


def _upright(frame: av.VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image
