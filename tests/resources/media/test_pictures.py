"""Thumbnails and frames: what they show, how large they are, and that they are the same each time."""

from __future__ import annotations

import io
from contextlib import suppress

import av
import numpy as np
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from resources.media.refusals import MediaRefusedError
from resources.media.requests import FramesWanted
from resources.sandbox.ranges import BytesSource
from tests.resources.media import media_files as make


def small(prober, kind, *files):
    data = prober.thumbnail(kind, [BytesSource(one, f"{n}") for n, one in enumerate(files)])
    return Image.open(io.BytesIO(data)).convert("RGB")


def close(color, expected):
    return max(abs(a - b) for a, b in zip(color, expected, strict=True)) < 14


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "JPEG2000"])
def test_a_thumbnail_fits_and_keeps_its_shape(prober, form):
    picture = small(prober, "image", make.image(form, (1000, 500)))
    assert picture.size == (320, 160)
    assert close(picture.getpixel((160, 80)), (255, 0, 0))


def test_a_small_image_is_not_enlarged(prober):
    assert small(prober, "image", make.image(size=(7, 5))).size == (7, 5)


def test_the_same_file_gives_the_same_bytes(prober):
    source = [BytesSource(make.noise(), "a")]
    assert prober.thumbnail("image", source) == prober.thumbnail("image", source)


def _half(form, orientation):
    """Left half white, right half black, to be turned as its EXIF says."""
    image = Image.new("RGB", (60, 40), "white")
    image.paste("black", (30, 0, 60, 40))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    image.save(out, form, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG"])
def test_a_thumbnail_stands_upright(prober, form):
    picture = small(prober, "image", _half(form, 6))  # to be turned by a quarter to the right
    assert picture.size == (40, 60)
    assert close(picture.getpixel((20, 8)), (255, 255, 255))
    assert close(picture.getpixel((20, 52)), (0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "color", "shown"),
    [
        ("RGBA", (0, 0, 0, 0), (222, 222, 222)), ("LA", (0, 0), (222, 222, 222)), ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("1", 1, (255, 255, 255)), ("I;16", 40_000, (0, 0, 0)),
    ],
)  # fmt: skip
def test_pixels_of_each_kind(prober, mode, color, shown):
    assert close(small(prober, "image", make.image("PNG", (9, 9), mode, color)).getpixel((4, 4)), shown)  # fmt: skip


def test_cmyk(prober):
    data = make.image("JPEG", (9, 9), "CMYK", (0, 255, 255, 0))
    assert close(small(prober, "image", data).getpixel((4, 4)), (255, 0, 0))


def test_sixteen_bits_are_spread_over_the_shades(prober):
    out = io.BytesIO()
    Image.fromarray(np.linspace(1000, 3000, 64 * 64, dtype=np.uint16).reshape(64, 64)).save(out, "PNG")  # fmt: skip
    picture = small(prober, "image", out.getvalue())
    assert picture.getpixel((32, 1))[0] < 20
    assert picture.getpixel((32, 62))[0] > 235


def test_a_video_is_shown_by_a_key_frame(prober):
    picture = small(prober, "video", make.video("mp4", frames=20))
    assert picture.size == (64, 48)


def test_a_picture_of_a_video_stands_upright(prober):
    picture = small(prober, "video", make.turned_video(90))
    assert picture.size == (48, 64)
    assert close(picture.getpixel((24, 56)), (255, 255, 255))
    assert close(picture.getpixel((24, 8)), (0, 0, 0))
    (frame,) = frames(prober, make.turned_video(90), sampling_rate=0)
    assert Image.open(io.BytesIO(frame.data)).size == (48, 64)


@pytest.mark.parametrize("form", ["mp4", "webm", "mpegts", "avi"])
def test_a_video_of_each_container_has_a_picture(prober, form):
    rate = 25 if form == "mpegts" else 10
    assert small(prober, "video", make.video(form, rate=rate)).size == (64, 48)


def test_the_first_page_of_a_pdf(prober):
    picture = small(prober, "pdf", make.pdf(2, (200, 300)))
    assert picture.height == 320
    assert close(picture.getpixel((70, 250)), (0, 0, 255))
    assert close(picture.getpixel((200, 10)), (255, 255, 255))


@pytest.mark.parametrize("size", [(0, 0), (100_000_000, 1), (-200, -300)])
def test_a_page_of_odd_size(prober, size):
    with suppress(MediaRefusedError):
        assert max(small(prober, "pdf", make.pdf(1, size)).size) <= 320


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_the_slice_in_the_middle_of_a_volume(prober, packed):
    assert small(prober, "nifti", make.nifti((30, 20, 5), packed)).size == (30, 20)


def test_the_file_in_the_middle_of_a_series(prober):
    study = generate_uid()
    bright = np.full((8, 6), 100, "<u2").tobytes()
    files = [
        make.dicom(study, "1.2", n, PixelData=bright if n == 1 else bytes(96)) for n in range(3)
    ]
    assert close(small(prober, "dicom_series", *files).getpixel((3, 4)), (255, 255, 255))


def test_inverted_grey_is_shown_as_meant(prober):
    data = make.dicom("1", "2", 1, PixelData=bytes(96), PhotometricInterpretation="MONOCHROME1")
    assert close(small(prober, "dicom_series", data).getpixel((3, 4)), (255, 255, 255))


def test_how_loud_a_sound_is(prober):
    picture = np.asarray(small(prober, "audio", make.sound("mp3", 3.0)).convert("L"))
    dark = (picture < 128).sum(axis=0)
    assert picture.shape == (96, 320)
    assert dark[:40].mean() < dark[-60:-20].mean() / 3


def test_a_text_has_none(prober):
    assert prober.thumbnail("text", [BytesSource(b"words", "a")]) is None


def test_a_damaged_image_has_a_reason_instead(prober):
    with pytest.raises(MediaRefusedError, match=r"truncated|broken|cannot be read"):
        prober.thumbnail("image", [BytesSource(make.noise("JPEG")[:5000], "a")])


def frames(prober, data, **wanted):
    found = list(prober.frames(BytesSource(data, "a"), FramesWanted(**wanted)))
    assert [one.number for one in found] == sorted({one.number for one in found})
    return found


VIDEO = make.video("mp4", frames=30, rate=10)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [0, 10, 20]),
        ({"sampling_rate": 0}, [0]),
        ({"sampling_rate": 2}, [0, 5, 10, 15, 20, 25]),
        ({"sampling_rate": 0.5}, [0, 20]),
        ({"sampling_rate": 1000}, list(range(30))),
        ({"sampling_rate": 0, "keyframes": (13, 17)}, [0, 13, 17]),
        ({"sampling_rate": 1, "keyframes": (10, 11)}, [0, 10, 11, 20]),
        ({"sampling_rate": 0, "keyframes": (1.34, 0.7), "mode": "seconds"}, [0, 7, 13]),
        ({"sampling_rate": 0, "keyframes": (29,)}, [0, 29]),
        ({"sampling_rate": 0, "keyframes": (30, 10_000)}, [0]),
        ({"sampling_rate": 0, "keyframes": (2.95, 3.5), "mode": "seconds"}, [0, 29]),
    ],
)
def test_which_frames_are_given(prober, wanted, numbers):
    found = frames(prober, VIDEO, **wanted)
    assert [one.number for one in found] == numbers
    assert [one.seconds for one in found] == pytest.approx([n / 10 for n in numbers])


def test_a_frame_is_the_one_that_it_says(prober):
    for one in frames(prober, VIDEO, sampling_rate=2, keyframes=(3,), form="png"):
        shade = Image.open(io.BytesIO(one.data)).convert("L").getpixel((30, 20))
        assert abs(shade - (10 * one.number) % 250) < 12
        assert one.is_keyframe == (one.number == 3)


def test_where_the_rate_varies_the_frame_that_is_shown_counts(prober):
    data = make.uneven_video((0, 1, 2, 10, 11, 12))
    found = frames(prober, data, sampling_rate=2)
    assert [(one.number, one.seconds) for one in found] == [(0, 0.0), (2, 0.2), (3, 1.0)]


def moving_video(codec, form="mp4", frames=130, size=(64, 48), **options):
    """A video of which each frame differs from all others, a key frame every 30."""
    out = io.BytesIO()
    numbers = np.arange(size[0] * size[1] * 3, dtype=np.int64).reshape(size[1], size[0], 3)
    with av.open(out, "w", format=form) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *size, "yuv420p", 30
        for number in range(frames):
            pixels = ((numbers * 3 + number * 7) % 251).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


SOUGHT = {
    "no frames between": ("mpeg4", "mp4", {}),
    "frames between two": ("libx264", "mov", {"x264-params": "bframes=3:keyint=30:scenecut=0:rc-lookahead=5"}),
    "open groups": ("libx264", "mp4", {"x264-params": "open-gop=1:bframes=3:keyint=30:scenecut=0:rc-lookahead=5"}),
    "no index": ("mpeg4", "matroska", {}),
    "in fragments": ("mpeg4", "mp4", {"movflags": "frag_keyframe+empty_moov"}),
}  # fmt: skip


@pytest.mark.parametrize("what", SOUGHT)
def test_frames_from_a_number_on_are_those_that_decoding_all_gives(prober, what):
    """The same numbers, seconds, key frames and pixels, whether the container lets them be sought or not."""
    codec, form, options = SOUGHT[what]
    data = moving_video(codec, form, **options)
    for wanted in (
        {"sampling_rate": 25},
        {"sampling_rate": 3, "keyframes": (2.5, 4.1), "mode": "seconds"},
    ):
        whole = frames(prober, data, form="png", **wanted)
        for start in (51, 60, 89, 90, 100, 129, 131):
            part = frames(prober, data, form="png", start=start, **wanted)
            assert part == [one for one in whole if one.number >= start], (wanted, start)


def test_a_late_frame_is_read_without_those_before_it(prober):
    data = moving_video("mpeg4", frames=400, size=(320, 240))
    source = make.CountedSource(data)
    wanted = FramesWanted(0, (390,), start=390)
    [late] = prober.frames(source, wanted)
    assert (late.number, late.seconds) == (390, 15.6)
    assert source.bytes_read < source.size / 4


def test_no_frames_of_what_is_no_video(prober):
    with pytest.raises(MediaRefusedError, match="Expected a video, got a file of type image/png"):
        frames(prober, make.image())


def test_frames_are_made_while_they_are_taken(prober):
    source = make.CountedSource(make.video("mpegts", frames=400, rate=25, size=(320, 240)))
    taken = prober.frames(source, FramesWanted(sampling_rate=25))
    next(taken)
    assert source.bytes_read < source.size
    taken.close()


def at(prober, kind, data, place, edge=64):
    made = prober.picture(kind, BytesSource(data, "a"), place=place, edge=edge)
    return Image.open(io.BytesIO(made)).convert("RGB")


def test_a_page_of_a_pdf_as_large_as_it_is_asked_for(prober):
    assert at(prober, "pdf", make.pdf(3, size=(200, 300)), 2, edge=900).size == (600, 900)


def test_a_slice_of_a_volume_and_of_a_series(prober):
    volume = make.nifti((6, 5, 4))
    assert at(prober, "nifti", volume, 2).tobytes() == at(prober, "nifti", volume, None).tobytes()
    assert at(prober, "nifti", volume, 0).size == (6, 5)
    assert at(prober, "dicom", make.series(1)[0], 0).size == (6, 8)


def test_a_volume_in_time_is_counted_through(prober):
    volume = make.nifti((6, 5, 2, 3))
    assert at(prober, "nifti", volume, 5).size == (6, 5)
    with pytest.raises(MediaRefusedError, match="6 slices, none with the number 7"):
        at(prober, "nifti", volume, 6)


@pytest.mark.parametrize(("moment", "grey"), [(0, 0), (500, 50), (1_250, 120), (9_000, 190)])
def test_the_frame_that_is_shown_at_a_moment(prober, moment, grey):
    picture = at(prober, "video", make.video(frames=20, rate=10), moment)
    assert close(picture.getpixel((32, 24)), (grey, grey, grey))


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("pdf", make.pdf(2), "2 pages, none with the number 8"),
        ("dicom", make.series(1)[0], "1 frame, none"),
        ("image", make.image("GIF"), "1 picture, none"),
    ],
)
def test_a_place_that_there_is_none_of(prober, kind, data, told):
    with pytest.raises(MediaRefusedError, match=told):
        at(prober, kind, data, 7)
