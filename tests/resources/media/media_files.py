"""Media as the tests make them: real files by Pillow, PyAV, pydicom, nibabel and by hand."""

from __future__ import annotations

import gzip
import io
import struct
import tempfile
import wave
import zlib
from fractions import Fraction
from pathlib import Path

import av
import nibabel
import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from resources.sandbox.ranges import BytesSource


class CountedSource(BytesSource):
    """Bytes at hand, and which of them were asked for."""

    def __init__(self, data, name="file"):
        super().__init__(data, name)
        self.reads = []

    def read_range(self, start, length):
        self.reads.append((start, length))
        return super().read_range(start, length)

    @property
    def bytes_read(self):
        return sum(length for _, length in self.reads)


def image(form="PNG", size=(40, 30), mode="RGB", color="red", **how):
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, form, **how)
    return out.getvalue()


def noise(form="JPEG", size=(600, 400), **how):
    """An image that packs badly."""
    pixels = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **how)
    return out.getvalue()


def rotated(form="JPEG", size=(40, 30), orientation=6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return image(form, size, exif=exif)


def png_of(width, height):
    """A PNG whose header tells of any size."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def video(form="mp4", frames=20, rate=10, size=(64, 48), codec="", **options):
    """A video in which frame n has the grey 10 n. With options it is made on disk: FFmpeg reads it again."""
    if options:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a"
            _write_video(str(path), form, frames, rate, size, codec, options)
            return path.read_bytes()
    out = io.BytesIO()
    _write_video(out, form, frames, rate, size, codec, {})
    return out.getvalue()


def _write_video(out, form, frames, rate, size, codec, options):
    codecs = {"webm": "vp8", "avi": "mpeg4", "matroska": "mpeg4", "mpegts": "mpeg2video"}
    with av.open(out, "w", format=form, options=options) as container:
        stream = container.add_stream(codec or codecs.get(form, "mpeg4"), rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = 10
        for number in range(frames):
            grey = np.full((size[1], size[0], 3), (10 * number) % 250, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def turned_video(degrees):
    """A video whose left half is white, which players turn so far to the left."""
    out = io.BytesIO()
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :32] = 255
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(degrees)
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


def uneven_video(times=(0, 1, 2, 10, 11, 12)):
    """A video whose frames begin at these tenths of a second."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        for at in times:
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), at * 20, np.uint8), "rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def sound(form="wav", seconds=2.0, rate=8000):
    """A tone that gets louder."""
    if form == "wav":
        return _wave(seconds, rate)
    out = io.BytesIO()
    codecs = {"mp3": "mp3", "flac": "flac", "ogg": "libopus", "ipod": "aac", "adts": "aac"}
    with av.open(out, "w", format=form) as container:
        rate = 48000 if form == "ogg" else 44100
        stream = container.add_stream(codecs[form], rate=rate, layout="stereo")
        resampler = av.AudioResampler(stream.format.name, "stereo", rate)
        tone = np.sin(np.arange(int(44100 * seconds)) / 20) * np.linspace(
            0, 1, int(44100 * seconds)
        )
        frame = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], "flt", "mono")
        frame.sample_rate = 44100
        fifo = av.AudioFifo()
        for piece in resampler.resample(frame):
            fifo.write(piece)
        while piece := fifo.read(stream.codec_context.frame_size or 1024, partial=True):
            container.mux(stream.encode(piece))
        container.mux(stream.encode())
    return out.getvalue()


def _wave(seconds, rate):
    out = io.BytesIO()
    with wave.open(out, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        count = int(seconds * rate)
        tone = np.sin(np.arange(count) / 5) * np.linspace(0, 30000, count)
        opened.writeframes(tone.astype("<i2").tobytes())
    return out.getvalue()


def pdf(pages=2, size=(200, 300), content=b"0 0 1 rg 20 20 100 100 re f"):
    """A PDF by hand, with a blue square on each page."""
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(pages))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
    ]
    for number in range(pages):
        page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {size[0]} {size[1]}]/Contents {4 + 2 * number} 0 R>>"
        objects += [
            page.encode(),
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        ]
    return _pdf_file(objects)


def _pdf_file(objects):
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(out)


def pdf_of(*objects):
    """A PDF of these objects; the first is the catalogue."""
    return _pdf_file(list(objects))


def nifti(shape=(6, 5, 4), packed=False, kind=np.int16):
    values = np.arange(int(np.prod(shape)), dtype=kind).reshape(shape)
    data = nibabel.Nifti1Image(values, np.diag([2.0, 2.0, 3.0, 1.0])).to_bytes()
    return gzip.compress(data, mtime=0) if packed else data


def dicom(study, series, number, *, rows=8, columns=6, **changed):
    """One slice; a tag changed to None is left out."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    tags = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(entropy_srcs=[series, str(number)]),
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "PatientID": "P1",
        "Modality": "CT",
        "Rows": rows,
        "Columns": columns,
        "ImagePositionPatient": [0, 0, 2.5 * number],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.5],
        "SliceThickness": 2.5,
        "WindowCenter": 50,
        "WindowWidth": 100,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "PixelData": np.arange(rows * columns, dtype="<u2").tobytes(),
    }
    for name, value in (tags | changed).items():
        if value is not None:
            setattr(dataset, name, value)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID") or "1.2"
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def series(count=5, **changed):
    study, one = generate_uid(entropy_srcs=["study"]), generate_uid(entropy_srcs=["series"])
    return [dicom(study, one, number, **changed) for number in range(count)]
