"""Looking at many images behind a slow line: `python -m benchmarks.media [--images N] [--threads N] [--s3]`.

Real JPEG, PNG and WebP files; each request waits 15 ms. Without `--s3` the line is played within this process; with it, the images lie in
a bucket of moto's and are reached as collections reach them, by their URLs. What moto has said of one image it says of all with the
same bytes, since making an answer takes it 6 ms, one after the other; with `--anew` it makes each. A share of the images is looked at one after the other, all of them by many
threads; what counts are the ratio and the bytes read an image. The bare limit is the header read by Pillow
within this process, without a line and without confinement.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.objects import BUCKET, KEYS, LATENCY_MS, running, serve
from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector, S3Keys
from resources.media.prober import Prober, open_prober
from resources.sandbox.ranges import BytesSource, RangeSource
from resources.sources.object_urls import ObjectUrls

_SAMPLE = 25
"""Of so many images one is looked at one after the other: all of them would take minutes."""

Look = Callable[[Prober, int], "CountedSource"]
"""Looks at the image of a number."""


class CountedSource:
    """A source, and how much of it was asked for."""

    def __init__(self, inner: RangeSource, seconds: float = 0) -> None:
        self.name, self.size = inner.name, inner.size
        self.requests = self.bytes_read = 0
        self._inner = inner
        self._seconds = seconds

    def read_range(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on, after the time that a request takes."""
        time.sleep(self._seconds)
        self.requests += 1
        self.bytes_read += length
        return self._inner.read_range(start, length)


def pictures() -> list[bytes]:
    """Some images of each usual kind, some hundred KB each, one with the metadata of a camera."""
    import numpy as np
    from PIL import Image

    made = []
    for number, size in enumerate(((1200, 900), (800, 600), (640, 480))):
        pixels = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), np.uint8)
        image = Image.fromarray(pixels)
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "x" * 30_000
        for form, how in (("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("JPEG", {"exif": exif})):
            out = io.BytesIO()
            image.save(out, form, **how)
            made.append(out.getvalue())
    return made


def within(made: Sequence[bytes], milliseconds: float) -> Look:
    """Images at hand, each request of which waits."""

    def look(prober: Prober, number: int) -> CountedSource:
        inner = BytesSource(made[number % len(made)], f"{number}.bin")
        return _looked(prober, CountedSource(inner, milliseconds / 1000))

    return look


def in_bucket(address: str, scratch: Path) -> Look:
    """Images of a bucket, by their URLs."""
    connector = S3Connector(
        "bench",
        BUCKET,
        settings=S3Settings(endpoint_url=address, region="us-east-1"),
        keys=S3Keys(**KEYS),
    )
    urls = ObjectUrls([connector], None, scratch)

    def look(prober: Prober, number: int) -> CountedSource:
        with urls.open(f"s3://{BUCKET}/{number:06}") as found:
            return _looked(prober, CountedSource(found))

    return look


def _looked(prober: Prober, source: CountedSource) -> CountedSource:
    assert prober.look("image", [source]).media
    return source


def cpu_seconds() -> float:
    """Of this process and of those that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(look: Look, count: int, threads: int) -> dict[str, float]:
    """Both ways: milliseconds an image, requests and bytes an image, processor time."""
    began_cpu = cpu_seconds()
    with open_prober() as prober:
        look(prober, 0)  # the processes are there
        began = time.perf_counter()
        for number in range(0, count, _SAMPLE):
            look(prober, number)
        one_by_one = (time.perf_counter() - began) / len(range(0, count, _SAMPLE))
        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            sources = list(pool.map(lambda number: look(prober, number), range(count)))
        side_by_side = (time.perf_counter() - began) / count
    return {
        "one after the other, ms an image": one_by_one * 1000,
        "side by side, ms an image": side_by_side * 1000,
        "times as fast": one_by_one / side_by_side,
        "ranges an image": sum(source.requests for source in sources) / count,
        "KB an image": sum(source.bytes_read for source in sources) / count / 1024,
        "CPU ms an image": (cpu_seconds() - began_cpu) / count * 1000,
    }


def bare(made: Sequence[bytes]) -> float:
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
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--anew", action="store_true", help="let moto make each answer anew")
    given = parser.parse_args()
    made = pictures()
    print(f"{given.images:,} images, {given.threads} threads, {os.cpu_count()} processors")
    way = ["anew"] if given.anew else []
    if given.s3:
        with (
            running("benchmarks.media", "serve", str(given.images), *way) as (address, _),
            tempfile.TemporaryDirectory() as scratch,
        ):
            told = run(in_bucket(address, Path(scratch)), given.images, given.threads)
    else:
        told = run(within(made, LATENCY_MS), given.images, given.threads)
    for name, value in (told | {"bare Pillow, ms an image": bare(made)}).items():
        print(f"{name:>34} {value:9.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        images = pictures()
        serve(
            ((f"{n:06}", images[n % len(images)]) for n in range(int(sys.argv[2]))),
            LATENCY_MS,
            alike=None
            if sys.argv[3:] == ["anew"]
            else lambda path: int(path.rpartition("/")[2]) % len(images),
        )
    else:
        main()
