"""A picture of sound: how loud it is over time, drawn from its beginning."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from resources.media.parsers.pictures import encoded

_WIDTH, _HEIGHT = 320, 96
_RATE = 8000
"""Samples a second are enough for a picture."""
_MOST_SECONDS = 600
"""Longer sound has no picture: all of it would have to be read."""
_GROUND, _INK = (222, 222, 222), (60, 60, 60)


def waveform(container: InputContainer) -> bytes | None:
    """Loudness over time; None: too long, or nothing can be decoded."""
    if container.duration and container.duration / av.time_base > _MOST_SECONDS:
        return None
    peaks = _peaks(container)
    if not peaks:
        return None
    columns = np.array_split(np.asarray(peaks, dtype=np.float32), min(_WIDTH, len(peaks)))
    heights = [float(column.max()) for column in columns]
    scale = max(*heights, 1e-4)
    image = Image.new("RGB", (_WIDTH, _HEIGHT), _GROUND)
    draw = ImageDraw.Draw(image)
    for x in range(_WIDTH):
        half = heights[x * len(heights) // _WIDTH] / scale * (_HEIGHT / 2 - 2)
        draw.line((x, _HEIGHT / 2 - half, x, _HEIGHT / 2 + half), fill=_INK)
    return encoded(image, "webp")


def _peaks(container: InputContainer) -> list[float]:
    """The loudest sample of each small piece, at most those of `_MOST_SECONDS`."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=_RATE)
    peaks: list[float] = []
    taken = 0
    for samples in _samples(container, resampler):
        peaks.append(float(np.abs(samples).max(initial=0.0)))
        taken += samples.size
        if taken > _MOST_SECONDS * _RATE:
            return []
    return peaks


def _samples(
    container: InputContainer, resampler: av.AudioResampler
) -> Iterator[NDArray[np.float32]]:
    stream = container.streams.audio[0]
    for packet in container.demux(stream):
        try:
            decoded = packet.decode()
        except av.error.InvalidDataError:
            continue  # as players do
        for frame in decoded:
            for piece in resampler.resample(frame):
                yield np.nan_to_num(piece.to_ndarray())
