"""Frames from a number on without all that come before: where a container has an index of each frame, reading begins at a key frame.

Only MP4 and QuickTime have such an index; of a fragmented file it holds the first fragment alone. It counts frames in the
order in which they are decoded. A key frame stands at the same place in the order in which they are shown, unless frames that
follow it are shown before it: then reading begins at the file's beginning, as everywhere else.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import av
from av.container import InputContainer
from av.packet import Packet

_READERS = ("mov",)
_NEAR = 50
"""Frames from the beginning that are sooner decoded than sought."""
_PEEKED = 100
"""Packets behind a key frame in which one that is shown later is looked for: formats allow 16 frames between the two orders."""


@dataclass(frozen=True)
class Landing:
    """A key frame from which on frames are read.

    Args:
        number: how many frames come before it.
        first: the time of the video's first frame, in units of the stream.
        peeked: the packets that were read already, from the key frame on.
    """

    number: int
    first: int
    peeked: tuple[Packet[av.VideoStream], ...]


def land(container: InputContainer, stream: av.VideoStream, number: int) -> Landing | None:
    """The last key frame at or before a number; None: frames are read from the beginning, where the container stands then."""
    keys = _key_frames(container, stream)
    place = bisect_right(keys, number) - 1
    if number < _NEAR or place < 1:
        return None
    found = _landed(container, stream, keys[place])
    if found is None:
        container.seek(stream.index_entries[0].timestamp, stream=stream)
    return found


def _key_frames(container: InputContainer, stream: av.VideoStream) -> list[int]:
    """Places of key frames in the index; none where it does not tell of every frame that is shown."""
    index = stream.index_entries
    if container.format.name.split(",")[0] not in _READERS or len(index) != stream.frames:
        return []
    if any(entry.is_discard or not entry.size for entry in index):  # an edit list leaves some out
        return []
    return [place for place, entry in enumerate(index) if entry.is_keyframe]


def _landed(container: InputContainer, stream: av.VideoStream, place: int) -> Landing | None:
    index = stream.index_entries
    first = _first_time(container, stream)
    if first is None:
        return None
    try:
        container.seek(index[place].timestamp, stream=stream)
        packets = _packets(container, stream)
        key = next(packets, None)
        if key is None or key.pts is None or not key.is_keyframe:
            return None
        peeked = [key]
        for packet in packets:
            peeked.append(packet)
            if packet.pts is None or packet.pts < key.pts or len(peeked) > _PEEKED:
                return None
            if packet.pts > key.pts:
                break
    except av.error.FFmpegError:
        return None
    # FFmpeg may go to an earlier key frame than the one it was asked for.
    number = next((n for n in range(place, -1, -1) if index[n].pos == key.pos), None)
    return None if number is None else Landing(number, first, tuple(peeked))


def _first_time(container: InputContainer, stream: av.VideoStream) -> int | None:
    """When the first frame is shown, found as everybody finds it: by decoding it."""
    try:
        frame = next(container.decode(stream), None)
    except av.error.FFmpegError:
        return None
    return None if frame is None else frame.pts


def _packets(container: InputContainer, stream: av.VideoStream) -> Iterator[Packet[av.VideoStream]]:
    return (packet for packet in container.demux(stream) if packet.size)
