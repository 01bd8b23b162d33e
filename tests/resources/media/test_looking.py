"""What a look tells of real files, and what it says of those that are something else."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import msgspec
import pytest

from resources.collections.items import MEDIA_FIELDS
from resources.kernel.errors import MissingDependencyError
from resources.media.facts import FACTS
from resources.media.prober import open_prober
from resources.sandbox.ranges import BytesSource
from tests.resources.media import media_files as make


def look(prober, announced, *files, names=()):
    sources = [
        BytesSource(data, names[number] if names else f"{number}.bin")
        for number, data in enumerate(files)
    ]
    return prober.look(announced, sources)


def facts(prober, announced, *files, names=()):
    looked = look(prober, announced, *files, names=names)
    assert looked.problems == ()
    return json.loads(looked.media)


def problem(prober, announced, *files, names=()):
    looked = look(prober, announced, *files, names=names)
    assert looked.media is None
    return looked.problems[0]


@pytest.mark.parametrize("kind", MEDIA_FIELDS)
def test_the_fields_are_those_of_specifications(kind):
    assert tuple(field.name for field in msgspec.structs.fields(FACTS[kind])) == MEDIA_FIELDS[kind]


@pytest.mark.parametrize(
    ("form", "mime"),
    [
        ("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"), ("WEBP", "image/webp"), ("AVIF", "image/avif"), ("JPEG2000", "image/jp2"),
    ],
)  # fmt: skip
def test_an_image(prober, form, mime):
    data = make.image(form)
    told = {"mime_type": mime, "file_size": len(data), "width": 40, "height": 30}
    assert facts(prober, "image", data) == told


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_an_image_that_is_cut_off_behind_its_header_is_refused(prober, form, share):
    data = make.noise(form)
    found = problem(prober, "image", data[: int(len(data) * share)])
    assert found.rule == "object_unreadable"
    assert any(
        word in found.message
        for word in ("cut off", "truncated", "Truncated", "broken", "cannot be read")
    )


GIF = make.noise("GIF")


@pytest.mark.parametrize(
    "data",
    [
        make.noise("JPEG") + make.video("mp4"),  # a phone's moving photo
        make.noise("JPEG") + bytes(300),
        make.noise("PNG") + b"note of the camera" * 9,
        GIF[:-1],
        GIF + bytes(9),
        make.noise("JPEG", progressive=True) + make.video("mp4"),
    ],
    ids=["film behind", "filled", "note behind", "no last byte", "filled gif", "progressive"],
)  # fmt: skip
def test_an_image_that_ends_oddly_and_is_all_there_is_taken(prober, data):
    assert facts(prober, "image", data)["width"] == 600


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_whether_an_image_is_whole_is_told_by_a_few_bytes(prober, form):
    source = make.CountedSource(make.noise(form, (1200, 900)))
    assert prober.look("image", [source]).problems == ()
    assert source.bytes_read <= 64 * 1024 < source.size


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "TIFF", "PNG"])
def test_an_image_lying_on_its_side_is_as_large_as_it_is_shown(prober, form):
    told = facts(prober, "image", make.rotated(form, (40, 30), 6))
    assert (told["width"], told["height"]) == (30, 40)


@pytest.mark.parametrize("how", [{"lossless": True}, {"quality": 50}, {"exif": b"Exif\0\0"}])
def test_a_webp_of_each_kind(prober, how):
    assert facts(prober, "image", make.noise("WEBP", (601, 399), **how))["width"] == 601


@pytest.mark.parametrize(
    ("form", "mime"),
    [
        ("mp4", "video/mp4"), ("mov", "video/quicktime"), ("webm", "video/webm"), ("matroska", "video/x-matroska"),
        ("avi", "video/x-msvideo"), ("mpegts", "video/mp2t"),
    ],
)  # fmt: skip
def test_a_video(prober, form, mime):
    rate = 25 if form == "mpegts" else 10
    data = make.video(form, frames=2 * rate, rate=rate)
    told = facts(prober, "video", data)
    assert told | {"duration": 2.0} == {
        "fps": rate, "duration": 2.0, "width": 64, "height": 48, "file_size": len(data), "mime_type": mime,
    }  # fmt: skip
    assert told["duration"] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "frag_keyframe", "faststart"])
def test_a_video_in_fragments_is_as_long_as_all_of_them(prober, flags):
    data = make.video("mp4", frames=60, rate=10, movflags=flags)
    assert facts(prober, "video", data)["duration"] == pytest.approx(6.0, abs=0.11)


def test_a_video_that_players_turn_is_as_large_as_it_is_shown(prober):
    told = facts(prober, "video", make.turned_video(90))
    assert (told["width"], told["height"]) == (48, 64)


def test_a_rate_that_varies_is_an_average_and_the_duration_is_that_of_the_frames(prober):
    told = facts(prober, "video", make.uneven_video())
    assert told["duration"] == pytest.approx(1.3, abs=0.11)


@pytest.mark.parametrize(
    ("form", "mime", "codec", "bits", "rate"),
    [
        ("wav", "audio/wav", "pcm_s16le", 16, 8000), ("mp3", "audio/mpeg", "mp3", None, 44100),
        ("flac", "audio/flac", "flac", 16, 44100), ("ogg", "audio/ogg", "opus", None, 48000),
        ("ipod", "audio/mp4", "aac", None, 44100), ("adts", "audio/aac", "aac", None, 44100),
    ],
)  # fmt: skip
def test_sound(prober, form, mime, codec, bits, rate):
    told = facts(prober, "audio", make.sound(form))
    assert (told["mime_type"], told["codec"], told["bit_depth"]) == (mime, codec, bits)
    assert (told["sample_rate"], told["num_channels"]) == (rate, 1 if form == "wav" else 2)
    assert told["duration"] == pytest.approx(2.0, abs=0.1)


def test_a_pdf(prober):
    data = make.pdf(3)
    assert facts(prober, "pdf", data) == {"file_size": len(data), "num_pages": 3}


@pytest.mark.parametrize(
    ("data", "name", "mime"),
    [
        ("Grüße, Welt\n".encode(), "a.txt", "text/plain"),
        ("a,b\n1,2\n".encode("utf-16"), "x/a.csv", "text/csv"),
        ("Grüße aus Köln, und noch viel mehr".encode("cp1252"), "a.txt", "text/plain"),
        (b"# Title\n", "read.md", "text/markdown"),
        (b'{"a": 1}', "a.json", "application/json"),
        (b"plain words", "a.mp4", "text/plain"),
        (b"a,b", "s3://bucket/a.csv?versionId=1", "text/csv"),
        (b"<!DOCTYPE html><html><script>x</script></html>", "a.txt", "text/html"),
    ],
    ids=["utf-8", "utf-16", "cp1252", "markdown", "json", "named-video", "url", "html"],
)
def test_a_text_is_told_by_content_and_its_kind_by_name(prober, data, name, mime):
    told = facts(prober, "text", data, names=[name])
    assert told == {"file_size": len(data), "mime_type": mime}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_nifti_volume(prober, packed):
    told = facts(prober, "nifti", make.nifti((6, 5, 4, 3), packed))
    assert [told[key] for key in ("width", "height", "num_slices", "num_volumes")] == [6, 5, 4, 3]
    assert told["voxel_size"] == [2.0, 2.0, 3.0]


def test_a_dicom_series(prober):
    told = facts(prober, "dicom_series", *make.series(5))
    assert told | {"file_size": 0} == {
        "mime_type": "application/dicom", "file_size": 0, "num_files": 5, "width": 6, "height": 8, "num_frames": 5,
    }  # fmt: skip


def test_a_group_may_mix_sizes_and_a_sequence_may_not(prober):
    small, large = make.image(size=(4, 4)), make.image(size=(8, 4))
    told = facts(prober, "image_group", small, large)
    assert (told["num_files"], told["width"], told["mime_type"]) == (2, None, "image/png")
    wrong = problem(prober, "image_sequence", small, small, large)
    assert (wrong.rule, wrong.source) == ("object_type_mismatch", 2)
    assert wrong.message.startswith("Expected an image of 4 x 4 pixels")
    assert facts(prober, "image_sequence", small, small)["width"] == 4


PNG, TEXT = make.image(), b"just words"


@pytest.mark.parametrize(
    ("announced", "data", "message"),
    [
        ("video", PNG, "Expected a video, got a file of type image/png"),
        ("video", make.sound("ipod"), "Expected a video, got a file of type audio/mp4"),
        ("audio", make.video(), "Expected an audio file, got a file of type video/mp4"),
        ("image", TEXT, "Expected an image, got a file of type text/plain"),
        ("image", b"<svg xmlns='x'><script>alert(1)</script></svg>", "Expected an image, got a file of type image/svg+xml"),
        ("image", make.pdf(), "Expected an image, got a file of type application/pdf"),
        ("image", b"PK\x03\x04" + bytes(30), "Expected an image, got a file of type application/zip"),
        ("pdf", PNG, "Expected a PDF document, got a file of type image/png"),
        ("text", PNG, "Expected a text, got a file of type image/png"),
        ("nifti", PNG, "Expected a NIfTI volume, got a file of type image/png"),
        ("nifti", gzip.compress(b"a,b\n1,2\n", mtime=0), "Expected a NIfTI volume, got a file of type application/gzip, which holds no such volume"),
        ("text", b"", "Expected a text, got a file of type nothing: it has no byte"),
        ("video", b"#EXTM3U\nfile:///etc/passwd\n", "Expected a video, got a file of type text/plain"),
        ("image", bytes(range(256)) * 20, "Expected an image, got a file of type application/octet-stream"),
    ],
)  # fmt: skip
def test_something_else_than_announced(prober, announced, data, message):
    found = problem(prober, announced, data)
    assert (found.rule, found.message) == ("object_type_mismatch", message)


def test_an_image_that_nothing_here_reads_is_not_told_to_be_something_else(prober):
    found = problem(prober, "image", b"\0\0\0\x18ftypheic" + bytes(40))
    assert (found.rule, found.message) == ("object_unreadable", "Files of type image/heic cannot be read")  # fmt: skip


def test_of_several_files_each_wrong_one_is_named(prober):
    looked = look(
        prober, "image_group", PNG, TEXT, b"", names=["a.png", "b.txt?signature=canary", "c"]
    )
    assert "canary" not in str(looked)
    assert [(one.source, one.message[:6]) for one in looked.problems] == [
        (1, "b.txt:"),
        (2, "c: Exp"),
    ]


def test_without_the_packages_it_says_which_one_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with (
        pytest.raises(MissingDependencyError, match=r'pip install "waybill\[media\]"'),
        open_prober(),
    ):
        pass


def test_no_parser_is_imported_by_who_asks():
    code = "import sys, resources.media.prober as p; print(sorted(set(p.PARSERS) & set(sys.modules)))"  # fmt: skip
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
