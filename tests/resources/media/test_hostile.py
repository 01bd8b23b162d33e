"""Files made to harm, and files that are broken: each is an error of its own, and the next one is read as if nothing was."""

from __future__ import annotations

import gzip
import json
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.media.limits import MediaLimits
from resources.media.prober import open_prober
from resources.sandbox.ranges import BytesSource
from tests.resources.media import media_files as make
from tests.resources.media.test_looking import facts, look, problem

KINDS = {
    "image": make.image("JPEG"),
    "video": make.video(),
    "audio": make.sound("flac", 0.3),
    "pdf": make.pdf(),
    "nifti": make.nifti(),
    "dicom_series": make.dicom("1.2", "1.3", 1),
    "text": "Größe\n".encode() * 40,
}
MORE = {
    "image": [make.image(form) for form in ("PNG", "WEBP", "TIFF", "GIF", "AVIF")],
    "video": [make.video("webm"), make.video("avi"), make.video("mpegts")],
    "nifti": [make.nifti(packed=True)],
}


def picture(prober, kind, data):
    """A thumbnail, or the words by which it is refused."""
    try:
        return prober.thumbnail(kind, [BytesSource(data, "a")])
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("kind", "data"),
    [(kind, data) for kind, first in KINDS.items() for data in [first, *MORE.get(kind, [])]],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_cut_anywhere_is_told_or_refused(prober, kind, data):
    for end in range(1, len(data), max(len(data) // 12, 1)):
        looked = look(prober, kind, data[:end])
        assert bool(looked.media) != bool(looked.problems)
        assert all(one.rule.startswith(("object_", "dicom_")) for one in looked.problems)
        picture(prober, kind, data[:end])
    assert look(prober, kind, data).problems == ()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    noise=st.binary(max_size=300),
    place=st.integers(0, 3000),
    keep=st.booleans(),
)
def test_bytes_at_random_are_told_or_refused(prober, kind, noise, place, keep):
    good = KINDS[kind]
    data = good[:place] + noise + good[place + len(noise) :] if keep else noise
    looked = look(prober, kind, data)
    assert bool(looked.media) != bool(looked.problems)
    picture(prober, kind, data)


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (2**31 - 1, 1), (0, 5)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(prober, width, height):
    found = problem(prober, "image", make.png_of(width, height))
    assert found.rule == "object_unreadable"
    assert picture(prober, "image", make.png_of(width, height)) == found.message or width == 0


def test_a_gif_whose_screen_is_too_large_is_refused(prober):
    data = b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + make.image("GIF")[10:]
    assert "pixels, at most" in problem(prober, "image", data).message


def test_text_packed_into_a_png_is_not_unpacked(prober):
    bomb = zlib.compress(bytes(70_000_000), 6)
    body = b"zTXtcomment\0\0" + bomb
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    data = make.image()
    data = data[:33] + chunk + data[33:]
    looked = look(prober, "image", data)
    assert looked.media or looked.problems[0].rule == "object_unreadable"


def test_an_entity_bomb_is_text_that_nobody_expands(prober):
    data = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "' + b"y" * 99 + b'">]><a>&x;</a>'
    assert facts(prober, "text", data)["mime_type"] == "application/xml"
    assert problem(prober, "image", data).rule == "object_type_mismatch"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("image", make.image("GIF") + b"*/=1;alert(1)//"),
        ("image", make.image("PNG") + b"PK\x03\x04" + bytes(100)),
        ("image", make.image("JPEG") + make.pdf()),
        ("pdf", b"<script>alert(1)</script>\n" + make.pdf()),
    ],
    ids=["gif-script", "png-zip", "jpeg-pdf", "html-pdf"],
)
def test_a_polyglot_is_what_it_begins_as_and_leaves_as_a_picture_alone(prober, kind, data):
    looked = look(prober, kind, data)
    if looked.media:
        small = prober.thumbnail(kind, [BytesSource(data, "a")])
        assert small[:4] == b"RIFF"
        assert len(small) == 8 + int.from_bytes(small[4:8], "little")
        assert b"alert" not in small
    else:
        assert looked.problems[0].rule == "object_type_mismatch"


def test_a_video_whose_header_lies_about_its_length_is_as_long_as_its_frames(prober):
    data = make.video("mp4", frames=20, rate=10)
    for box in (b"mvhd", b"mdhd", b"tkhd"):
        at = data.index(box) + 4
        version = data[at]
        assert version == 0
        place = at + (20 if box == b"tkhd" else 16)
        data = data[:place] + struct.pack(">I", 36_000_000) + data[place + 4 :]
    assert facts(prober, "video", data)["duration"] == pytest.approx(2.0, abs=0.11)


def test_a_matroska_whose_header_lies_about_its_length_is_as_long_as_its_frames(prober):
    data = make.video("matroska", frames=20, rate=10)
    at = data.index(b"\x44\x89\x88") + 3
    data = data[:at] + struct.pack(">d", 36_000_000.0) + data[at + 8 :]
    assert facts(prober, "video", data)["duration"] == pytest.approx(2.0, abs=0.11)


def test_a_wave_whose_header_lies_about_its_length(prober):
    data = make.sound("wav", 2.0)
    at = data.index(b"data") + 4
    data = data[:at] + struct.pack("<I", 0x7FFFFFF0) + data[at + 4 :]
    assert facts(prober, "audio", data)["duration"] == pytest.approx(2.0, abs=0.11)


def test_a_video_that_is_cut_off_is_refused(prober):
    data = make.video("mp4", frames=60, size=(320, 240), movflags="faststart")
    assert "cut off" in problem(prober, "video", data[: len(data) * 3 // 4]).message


def test_a_pdf_whose_pages_hold_themselves(prober):
    loop = make.pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1000000000/Kids[2 0 R 2 0 R]/Parent 2 0 R>>",
    )
    looked = look(prober, "pdf", loop)
    assert looked.problems or json.loads(looked.media)["num_pages"] < 2**40
    picture(prober, "pdf", loop)


def test_a_pdf_that_never_ends_is_given_up():
    """A small file of which the drawing takes longer than it may: a form that draws itself ten times, nine deep."""
    again = b" ".join([b"/F%d Do"] * 10)
    forms = [
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F%d %d 0 R>>>>/Length %d>>stream\n%s\nendstream"
        % (n + 1, 6 + n, len(again % ((n + 1,) * 10)), again % ((n + 1,) * 10))
        for n in range(9)
    ]
    data = make.pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</F0 5 0 R>>>>>>",
        b"<</Length 6>>stream\n/F0 Do\nendstream",
        *forms,
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 9>>stream\n0 0 9 9 re f\nendstream",
    )
    with open_prober(MediaLimits(cpu_seconds=1), workers=1) as prober:
        told = picture(prober, "pdf", data)
        assert told == "It cannot be read: the parser took more than 1 s of processor time"
        assert facts(prober, "pdf", make.pdf())["num_pages"] == 2


def test_a_packed_volume_that_unpacks_without_end(strict):
    header = bytearray(make.nifti((100, 100, 4))[:352])
    struct.pack_into("<h", header, 46, 32_000)  # slices: the middle one lies far behind
    bomb = gzip.compress(bytes(header) + bytes(150_000_000), 6)
    assert facts(strict, "nifti", bomb)["num_slices"] == 32_000
    assert isinstance(picture(strict, "nifti", bomb), bytes | str)


def test_a_header_of_a_volume_that_is_larger_than_its_file(prober):
    header = bytearray(make.nifti((6, 5, 4)))
    struct.pack_into("<h", header, 46, 32_000)
    assert "Its header tells of" in problem(prober, "nifti", bytes(header)).message


def _nested(depth):
    """An element of sequences in sequences, of undefined length each, as bytes of implicit VR."""
    begin = struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)  # fmt: skip
    end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return begin * depth + end * depth


@pytest.mark.parametrize("depth", [50, 20_000])
def test_sequences_of_dicom_within_themselves(prober, depth):
    plain = struct.pack("<HHI", 0x0008, 0x0005, 10) + b"ISO_IR 100"
    data = plain + _nested(depth)
    looked = look(prober, "dicom_series", data)
    assert looked.problems
    assert looked.problems[0].rule in ("object_unreadable", "dicom_inconsistent")


def test_a_dicom_element_that_claims_more_than_there_is(prober):
    data = make.dicom("1.2", "1.3", 1)
    at = data.index(b"P1") - 2
    broken = data[:at] + b"\xff\xff" + data[at + 2 :]
    assert look(prober, "dicom_series", broken).problems


def test_what_a_file_says_in_errors_cannot_write_to_a_terminal(prober):
    good = make.dicom("1.2.345678", "1.3", 1)
    data = good.replace(b"1.2.345678", b"1.2\x1b[31m\r\n")
    assert data != good
    for one in look(prober, "dicom_series", data).problems:
        assert one.message.isprintable()
