"""Video and sound by FFmpeg: opened with the one demuxer that fits what was found, never by guess.

A header may lie about the length. Where the container has an index (MP4, AVI), the index counts and must lie within the
file; elsewhere the last packets tell, which costs a range or two at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from resources.formats.content_types import ContentType
from resources.kernel.foreign_text import one_line
from resources.media.facts import AudioFacts, FileType, VideoFacts
from resources.media.parsers.expected import mismatch
from resources.media.parsers.pictures import within
from resources.media.parsers.pixels import check_pixels
from resources.media.parsers.subject import PicturePlace, Subject
from resources.media.parsers.video_frames import frames, key_picture, picture_at
from resources.media.refusals import MediaRefusedError
from resources.media.requests import FramesWanted, VideoPicture
from resources.sandbox.ranged_file import RangedFile

_OPTIONS = {"probesize": "1000000", "analyzeduration": "2000000", "enable_drefs": "0"}
_TAIL_SECONDS = 5
_FAR_OFF = 2.0
"""Seconds by which a header may miss what the last packet says: the length of one frame, or of a gap."""
_INDEXED = ("mov", "avi")
_LOSSLESS = ("flac", "alac", "wavpack", "tta")


def probe(subject: Subject) -> VideoFacts | AudioFacts:
    """What streams tell.

    Raises:
        MediaRefusedError: it is sound where a video was announced, or the other way round.
    """
    with _opened(subject) as container:
        if subject.announced == "video":
            return _probe_video(subject, container)
        return _probe_audio(subject, container)


def picture(subject: Subject, place: PicturePlace) -> bytes | None:
    """A picture of a video, or of how loud a sound is; None: of that sound there is none."""
    with _opened(subject) as container:
        if subject.announced == "video":
            stream = _video(container)
            if place.number is None:
                return within(key_picture(container, stream, subject.pixels), place.edge)
            return within(picture_at(container, stream, place.number, subject.pixels), place.edge)
        from resources.media.parsers.waveforms import waveform  # NumPy, which videos can do without

        return waveform(container)


def frames_of(subject: Subject, wanted: FramesWanted) -> Iterator[VideoPicture]:
    """Frames of a video."""
    with _opened(subject) as container:
        yield from frames(container, _video(container), wanted, subject.pixels)


def _check_announced(container: InputContainer, found: ContentType, announced: FileType) -> None:
    has_video = bool(_videos(container))
    if has_video != (announced == "video") or not (has_video or container.streams.audio):
        raise mismatch(announced, _found_mime(container, found))


@contextmanager
def _opened(subject: Subject) -> Iterator[InputContainer]:
    """The container, which holds what was announced.

    Raises:
        MediaRefusedError: it holds something else, or FFmpeg cannot make sense of it.
    """
    file, found = subject.file, subject.found
    file.seek(0)
    av.logging.set_level(av.logging.PANIC)
    try:
        container = av.open(
            file,
            "r",
            format=found.reader,
            options=_OPTIONS,
            metadata_errors="replace",
            buffer_size=32768,
        )
    except av.error.MemoryError:
        raise MemoryError from None
    except av.error.FFmpegError as error:
        raise MediaRefusedError(
            "object_unreadable",
            f"It begins as {found.mime} does and cannot be read as such:"
            f" {one_line(error.strerror or '', 100)}",
        ) from None
    with container:
        _check_announced(container, found, subject.announced)
        yield container


def _videos(container: InputContainer) -> list[av.VideoStream]:
    """Streams that move: the cover picture of a song does not."""
    return [s for s in container.streams.video if Disposition.attached_pic not in s.disposition]


def _video(container: InputContainer) -> av.VideoStream:
    return _videos(container)[0]


def _found_mime(container: InputContainer, found: ContentType) -> str:
    """The type, now that its streams are known: a container of sound alone is audio."""
    family, _, kind = found.mime.partition("/")
    if family == "video" and not _videos(container) and container.streams.audio:
        return {"video/quicktime": "audio/mp4"}.get(found.mime, f"audio/{kind}")
    if family == "audio" and _videos(container):
        return f"video/{kind}"
    return found.mime


def _probe_video(subject: Subject, container: InputContainer) -> VideoFacts:
    """Pixels as shown, seconds, and frames a second."""
    stream = _video(container)
    width, height = stream.codec_context.width, stream.codec_context.height
    check_pixels(width, height, subject.pixels)
    if _is_sideways(container, stream):
        width, height = height, width
    duration = _honest_duration(subject.file, container, stream)
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        rate = Fraction(_count(container, stream), 1) / Fraction(max(duration, 0.001))
    return VideoFacts(
        round(float(rate), 6),
        duration,
        width,
        height,
        subject.file.size,
        _found_mime(container, subject.found),
    )


def _is_sideways(container: InputContainer, stream: av.VideoStream) -> bool:
    """Whether players turn it by a quarter: said by the container, told with the first picture."""
    if container.format.name.split(",")[0] != "mov":
        return False
    try:
        picture = next(container.decode(stream), None)
    except av.error.FFmpegError:
        return False
    finally:
        container.seek(0)
    return picture is not None and picture.rotation % 180 != 0


def _probe_audio(subject: Subject, container: InputContainer) -> AudioFacts:
    """Seconds, samples a second, bits a sample, coding and channels of the first sound."""
    stream = container.streams.audio[0]
    context = stream.codec_context
    return AudioFacts(
        duration=_honest_duration(subject.file, container, stream),
        file_size=subject.file.size,
        mime_type=_found_mime(container, subject.found),
        sample_rate=context.sample_rate,
        bit_depth=_bits(context),
        codec=context.codec.canonical_name,
        num_channels=context.layout.nb_channels,
    )


def _bits(context: av.AudioCodecContext) -> int | None:
    """Bits of a sample, of codings that keep samples as they are."""
    if context.name.startswith("pcm_") or context.name in _LOSSLESS:
        return int(context.format.bits)
    return None


def _honest_duration(file: RangedFile, container: InputContainer, stream: Stream) -> float:
    """Seconds that are there.

    Raises:
        MediaRefusedError: the index tells of bytes behind the end of the file, or there is no frame.
    """
    told = _told(container, stream)
    counted = _by_index(file, stream) if container.format.name.split(",")[0] in _INDEXED else None
    if told is not None and counted is not None and abs(told - counted) <= _FAR_OFF:
        return round(told, 6)
    found = _by_tail(container, stream, told)
    if found is None:
        raise MediaRefusedError("object_unreadable", "It holds no frame that can be read")
    return round(found if told is None or abs(told - found) > _FAR_OFF else told, 6)


def _by_index(file: RangedFile, stream: Stream) -> float | None:
    """Seconds from the first frame of the index to the last; of a fragmented MP4 it holds the first fragment alone.

    Raises:
        MediaRefusedError: it tells of bytes behind the end of the file.
    """
    index = stream.index_entries
    if not len(index):
        return None
    last = index[len(index) - 1]
    if last.pos + last.size > file.size:
        raise MediaRefusedError(
            "object_unreadable",
            f"It is cut off: its index tells of {last.pos + last.size:,} bytes, it has {file.size:,}",
        )
    return float((last.timestamp - index[0].timestamp) * (stream.time_base or Fraction(1)))


def _told(container: InputContainer, stream: Stream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _by_tail(container: InputContainer, stream: Stream, told: float | None) -> float | None:
    """The end of the last packet, from the beginning; None: there is no packet with a time."""
    base = stream.time_base or Fraction(1)
    start = stream.start_time or 0
    if told is not None:
        try:
            container.seek(start + int(max(told - _TAIL_SECONDS, 0) / base), stream=stream)
        except av.error.FFmpegError:
            container.seek(0)
    end = None
    try:
        for packet in container.demux(stream):
            if packet.pts is not None:
                end = max(end or 0, packet.pts + (packet.duration or 0))
    except av.error.FFmpegError:
        pass  # the rest is damaged: what was read counts
    return None if end is None else float((end - start) * base)


def _count(container: InputContainer, stream: Stream) -> int:
    container.seek(0)
    return sum(packet.pts is not None for packet in container.demux(stream))
