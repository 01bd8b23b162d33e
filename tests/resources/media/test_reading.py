"""How much of a file is read to know what is in it."""

from __future__ import annotations

import threading
import time

import pytest

from resources.sandbox.ranges import BytesSource, LocalSource
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
