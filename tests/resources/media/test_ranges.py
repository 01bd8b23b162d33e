"""How much of a file is read to know what is in it."""

from __future__ import annotations

import io
import random
import threading
import time

import pytest

from resources.media.limits import MB
from resources.media.ranges import BytesSource, LocalSource
from resources.media.sandbox.ranged_file import BLOCK_BYTES, RangedFile
from tests.resources.media import media_files as make


def read(prober, kind, data):
    source = make.CountedSource(data)
    looked = prober.look(kind, [source])
    assert looked.problems == ()
    return source


LARGE = (1200, 900)
IMAGES = {
    "jpeg": make.noise("JPEG", LARGE),
    "png": make.noise("PNG", LARGE),
    "gif": make.noise("GIF", LARGE),
    "tiff": make.noise("TIFF", LARGE),
    "bmp": make.noise("BMP", LARGE),
    "webp": make.noise("WEBP", LARGE, quality=90),
    "webp-exif": make.noise("WEBP", LARGE, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
    "jpeg2000": make.noise("JPEG2000", LARGE),
}


@pytest.mark.parametrize("form", IMAGES)
def test_an_image_takes_at_most_64_kb(prober, form):
    source = read(prober, "image", IMAGES[form])
    assert source.bytes_read <= 64 * 1024 < source.size
    assert len(source.reads) <= 2


def test_most_images_take_one_request(prober):
    counts = [len(read(prober, "image", data).reads) for data in IMAGES.values()]
    assert sum(count == 1 for count in counts) >= len(counts) - 2


def test_a_video_with_its_index_at_the_end_takes_three_requests(prober):
    data = make.video("mp4", frames=100, size=(640, 480))
    data = data[: data.index(b"mdat") + 4] + data[data.index(b"mdat") + 4 :]
    source = read(prober, "video", data)
    assert data.rindex(b"moov") > data.index(b"mdat")
    assert len(source.reads) <= 3


def test_a_dicom_header_takes_one_request(prober):
    source = read(prober, "dicom_series", make.dicom("1.2", "1.3", 1, rows=512, columns=512))
    assert [length for _, length in source.reads] == [32 * 1024]


def test_a_plain_volume_takes_one_request(prober):
    assert len(read(prober, "nifti", make.nifti((64, 64, 40))).reads) == 1


def test_a_file_of_this_machine(tmp_path, prober):
    (tmp_path / "a.png").write_bytes(make.image())
    source = LocalSource(tmp_path / "a.png")
    assert (source.name, source.size) == ("a.png", len(make.image()))
    assert prober.look("image", [source]).problems == ()


def ranged(data, head=0):
    reads = []

    def fetch(start, length):
        reads.append((start, length))
        return data[start : start + length]

    return RangedFile("a", len(data), data[:head], fetch), reads


@pytest.mark.parametrize("head", [0, 100, 32 * 1024, 200_000])
def test_reading_anywhere_gives_what_a_file_gives(head):
    chosen = random.Random(1)
    data = chosen.randbytes(200_000)
    file, _ = ranged(data, head)
    plain = io.BytesIO(data)
    for _ in range(300):
        whence = chosen.choice((0, 0, 1, 2))
        by = chosen.randrange(-50, 210_000) if whence == 0 else chosen.randrange(-40_000, 100)
        if whence == 0:
            by = abs(by)
        elif (plain.tell() if whence == 1 else len(data)) + by < 0:
            continue
        length = chosen.choice((1, 10, 4096, 70_000, -1))
        assert file.seek(by, whence) == plain.seek(by, whence)
        assert file.read(length) == plain.read(length)


def test_reading_on_reads_ahead_and_reading_again_reads_nothing():
    file, reads = ranged(bytes(4 * MB))
    while file.read(1000):
        pass
    assert len(reads) <= 12
    assert sum(length for _, length in reads) == 4 * MB
    before = len(reads)
    file.seek(0)
    file.read(4 * MB)
    assert len(reads) == before


def test_a_look_here_and_there_reads_little():
    file, reads = ranged(bytes(4 * MB))
    for place in range(0, 4 * MB, MB):
        file.seek(place)
        file.read(8)
    assert [length for _, length in reads] == [2 * BLOCK_BYTES, *[BLOCK_BYTES] * 3]


def test_a_place_that_gives_less_than_it_said_is_an_error():
    file = RangedFile("a", 100, b"", lambda start, length: b"short")
    with pytest.raises(OSError, match="5 bytes came of 100"):
        file.read(10)


class Slow(BytesSource):
    """A source of which each request waits, as one over a network does."""

    waiting = threading.Semaphore(0)
    most = 0
    now = 0
    lock = threading.Lock()

    def read_range(self, start, length):
        with Slow.lock:
            Slow.now += 1
            Slow.most = max(Slow.most, Slow.now)
        time.sleep(0.005)
        with Slow.lock:
            Slow.now -= 1
        return super().read_range(start, length)


def test_many_slow_objects_are_waited_for_side_by_side_though_there_is_one_worker(prober):
    sources = [Slow(make.image(), f"{n}.png") for n in range(64)]
    assert prober.look("image_group", sources).problems == ()
    assert Slow.most >= 4
