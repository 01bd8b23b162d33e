"""NIfTI volumes, plain or packed with gzip: the header, and slices as pictures."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from PIL import Image

from resources.formats.content_types import ContentType, content_type_of
from resources.media.facts import NiftiFacts
from resources.media.parsers.expected import mismatch
from resources.media.parsers.pictures import within
from resources.media.parsers.pixels import check_pixels
from resources.media.parsers.shades import grey
from resources.media.parsers.subject import PicturePlace, Subject
from resources.media.refusals import MediaRefusedError
from resources.sandbox.ranged_file import RangedFile

_HEADER_BYTES = 4096
_SECOND_HEADER = 540
_STEP = 64 * 1024
_MOST_UNPACKED = 2 * 1024**3
"""Bytes unpacked to reach a slice; a bomb is longer."""


def probe(subject: Subject) -> NiftiFacts:
    """Voxels along each axis."""
    header = _header(_Unpacked(subject.file, subject.found).read_at(0, _HEADER_BYTES))
    width, height, slices, volumes = _shape(header)
    check_pixels(width, height, subject.pixels)
    if subject.found.kind == "nifti" and _end(header) > subject.file.size:
        raise MediaRefusedError(
            "object_unreadable",
            f"Its header tells of {_end(header):,} bytes, it has {subject.file.size:,}",
        )
    zooms = [float(zoom) for zoom in header.get_zooms()[:3]]
    x, y, z = [*zooms, 1.0, 1.0, 1.0][:3]
    return NiftiFacts(
        subject.file.size, subject.found.mime, width, height, slices, volumes, (x, y, z)
    )


def picture(subject: Subject, place: PicturePlace) -> bytes:
    """The slice in the middle of the first volume, or the one that is asked for, counted through all volumes."""
    unpacked = _Unpacked(subject.file, subject.found)
    header = _header(unpacked.read_at(0, _HEADER_BYTES))
    width, height, slices, volumes = _shape(header)
    check_pixels(width, height, subject.pixels)
    kind = header.get_data_dtype()
    length = width * height * kind.itemsize
    number = place.within(slices * volumes, "slice")
    start = int(header.get_data_offset()) + (slices // 2 if number is None else number) * length
    values = np.frombuffer(
        _Unpacked(subject.file, subject.found).read_at(start, length), dtype=kind
    )
    plane = values.reshape((width, height), order="F")
    if kind.names:  # colours
        plane = plane[kind.names[0]]
    if np.iscomplexobj(plane):
        plane = np.abs(plane)
    return within(Image.fromarray(grey(np.rot90(plane))), place.edge)


def _header(data: bytes) -> Any:
    """The header.

    Raises:
        MediaRefusedError: what was packed is something else.
    """
    if content_type_of(data, len(data)).kind != "nifti":
        raise mismatch("nifti", "application/gzip, which holds no such volume")
    kind = Nifti2Header if len(data) >= _SECOND_HEADER and data[4:7] == b"n+2" else Nifti1Header
    return kind(data[: kind.template_dtype.itemsize])


def _shape(header: Any) -> tuple[int, int, int, int]:
    shape = [int(length) for length in header.get_data_shape()]
    if not shape or min(shape) < 1:
        raise MediaRefusedError("object_unreadable", f"Its header tells of the shape {shape}")
    width, height, slices, *more = [*shape, 1, 1, 1][: max(len(shape), 3)]
    return width, height, slices, int(np.prod(more, dtype=object)) if more else 1


def _end(header: Any) -> int:
    voxels = int(np.prod([int(length) for length in header.get_data_shape()], dtype=object))
    return int(header.get_data_offset()) + voxels * int(header.get_data_dtype().itemsize)


class _Unpacked:
    """The bytes of a volume, unpacked from the beginning on where it is packed."""

    def __init__(self, file: RangedFile, found: ContentType) -> None:
        self._file = file
        self._is_packed = found.kind == "gzip"
        file.seek(0)

    def read_at(self, start: int, length: int) -> bytes:
        """Bytes from `start` on, fewer at the end. Of a packed file once."""
        if not self._is_packed:
            self._file.seek(start)
            return self._file.read(length)
        if start + length > _MOST_UNPACKED:
            raise MediaRefusedError(
                "object_unreadable", f"More than {_MOST_UNPACKED:,} unpacked bytes would be needed"
            )
        return self._unpack(start, length)

    def _unpack(self, start: int, length: int) -> bytes:
        """One pass; what comes before `start` is thrown away in small pieces, so a bomb takes time and no room."""
        unpack = zlib.decompressobj(31)
        place, kept, packed = 0, bytearray(), b""
        while len(kept) < length and not unpack.eof:
            packed = packed or self._file.read(_STEP)
            piece = unpack.decompress(packed, _STEP)
            packed = unpack.unconsumed_tail
            if not piece and not packed and self._file.tell() >= self._file.size:
                break
            kept += piece[max(start - place, 0) :]
            place += len(piece)
        return bytes(kept[:length])
