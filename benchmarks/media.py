"""Looking at many images behind a slow line: `python -m benchmarks.media [--images N] [--threads N] [--milliseconds N]`.

Real JPEG, PNG and WebP files, each request for a range waits as one over a network does. A share of them is looked at one after the other,
all of them by many threads; what counts are the ratio and the bytes read an image. The bare limit is the header read by
Pillow within this process, without a line and without confinement.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor

from resources.media.prober import open_prober
from resources.media.ranges import BytesSource

_SAMPLE = 25
"""Of so many images one is looked at one after the other: all of them would take minutes."""


class DistantSource(BytesSource):
    """Bytes behind a line; counts what is asked for."""

    seconds = 0.015

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data, name)
        self.requests = self.bytes_read = 0

    def read_range(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on, after the time that a request takes."""
        time.sleep(self.seconds)
        self.requests += 1
        self.bytes_read += length
        return super().read_range(start, length)


def pictures() -> list[bytes]:
    """Some images of each usual kind, some hundred KB each, one with the metadata of a camera."""
    import numpy as np
    from PIL import Image

    made = []
    for number, size in enumerate(((1200, 900), (800, 600), (640, 480))):
        pixels = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), np.uint8)
        image = Image.fromarray(pixels)
        for form in ("JPEG", "PNG", "WEBP"):
            out = io.BytesIO()
            image.save(out, form)
            made.append(out.getvalue())
        out = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "x" * 30_000
        image.save(out, "JPEG", exif=exif)
        made.append(out.getvalue())
    return made


def cpu_seconds() -> float:
    """Of this process and of those that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(count: int, threads: int) -> dict[str, float]:
    """Both ways; seconds an image, requests and bytes an image, processor seconds."""
    made = pictures()
    sources = [DistantSource(made[n % len(made)], f"{n}.bin") for n in range(count)]
    began_cpu = cpu_seconds()
    with open_prober() as prober:
        prober.look("image", [BytesSource(made[0], "first")])  # the processes are there
        began = time.perf_counter()
        for source in sources[::_SAMPLE]:
            assert prober.look("image", [source]).media
        one_by_one = (time.perf_counter() - began) / len(sources[::_SAMPLE])
        for source in sources:
            source.requests = source.bytes_read = 0
        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            told = list(pool.map(lambda source: prober.look("image", [source]), sources))
        side_by_side = (time.perf_counter() - began) / count
    assert all(one.media for one in told)
    return {
        "one after the other, ms an image": one_by_one * 1000,
        "side by side, ms an image": side_by_side * 1000,
        "times as fast": one_by_one / side_by_side,
        "requests an image": sum(s.requests for s in sources) / count,
        "KB an image": sum(s.bytes_read for s in sources) / count / 1024,
        "CPU ms an image": (cpu_seconds() - began_cpu) / count * 1000,
        "bare Pillow, ms an image": bare(made),
    }


def bare(made: list[bytes]) -> float:
    """Milliseconds that Pillow takes within this process, without a line."""
    from PIL import Image

    began = time.perf_counter()
    for number in range(1000):
        _ = Image.open(io.BytesIO(made[number % len(made)])).size
    return time.perf_counter() - began


def main() -> None:
    """Prints a line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--milliseconds", type=float, default=15)
    given = parser.parse_args()
    DistantSource.seconds = given.milliseconds / 1000
    print(f"{given.images:,} images, {given.threads} threads, {os.cpu_count()} processors")
    for name, value in run(given.images, given.threads).items():
        print(f"{name:>34} {value:9.2f}")


if __name__ == "__main__":
    main()
