"""DICOM files: the header by which a series is judged, and a slice as a picture.

Pixels are decoded by pydicom itself and by Pillow: uncompressed, RLE, JPEG and JPEG 2000.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, config, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array

from resources.kernel.foreign_text import one_line
from resources.media.facts import DicomHeader
from resources.media.parsers.pictures import within
from resources.media.parsers.pixels import check_pixels
from resources.media.parsers.shades import grey, spread
from resources.media.parsers.subject import PicturePlace, Subject
from resources.media.refusals import MediaRefusedError
from resources.sandbox.ranged_file import RangedFile

config.settings.reading_validation_mode = config.IGNORE
_WORD = 64
_WANTED = [
    "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "PatientID", "Rows", "Columns",
    "NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
    "WindowCenter", "WindowWidth", "SharedFunctionalGroupsSequence",
]  # fmt: skip


def probe(subject: Subject) -> DicomHeader:
    """The header, read as far as the pixels."""
    header = _read(subject.file, stop_before_pixels=True, specific_tags=_WANTED)
    rows, columns = (_whole(header.get(name), 0) for name in ("Rows", "Columns"))
    if rows and columns:
        check_pixels(columns, rows, subject.pixels)
    return DicomHeader(
        study=_text(header.get("StudyInstanceUID")),
        series=_text(header.get("SeriesInstanceUID")),
        instance=_text(header.get("SOPInstanceUID")),
        sop_class=_text(header.get("SOPClassUID")),
        has_patient=bool(_text(header.get("PatientID"))),
        rows=rows,
        columns=columns,
        frames=_whole(header.get("NumberOfFrames", 1), -1),
        position=_numbers(header.get("ImagePositionPatient"), 6),
        orientation=_numbers(header.get("ImageOrientationPatient"), 12),
        spacing=_numbers(header.get("PixelSpacing"), 4),
        thickness=next(iter(_numbers(header.get("SliceThickness"), 1)), None),
        window_centers=_numbers(header.get("WindowCenter"), 64),
        window_widths=_numbers(header.get("WindowWidth"), 64),
        has_functional_groups="SharedFunctionalGroupsSequence" in header,
    )


def picture(subject: Subject, place: PicturePlace) -> bytes:
    """The slice as a viewer would show it first; of several frames the one in the middle, or the one that is asked for."""
    dataset = _read(subject.file)
    frames = max(_whole(dataset.get("NumberOfFrames", 1), 1), 1)
    check_pixels(_whole(dataset.get("Columns"), 0), _whole(dataset.get("Rows"), 0), subject.pixels)
    subject.file.seek(0)
    number = place.within(frames, "frame")
    values = pixel_array(dataset, index=frames // 2 if number is None else number)
    if values.ndim == 3:
        return within(Image.fromarray(values.astype(np.uint8)), place.edge)
    return within(Image.fromarray(_shades(dataset, values)), place.edge)


def _shades(dataset: Dataset, values: NDArray[Any]) -> NDArray[np.uint8]:
    """With the window that the file asks for, or one that shows most of it."""
    real = np.asarray(apply_modality_lut(values, dataset), dtype=np.float32)
    center = next(iter(_numbers(dataset.get("WindowCenter"), 1)), None)
    width = next(iter(_numbers(dataset.get("WindowWidth"), 1)), None)
    if center is None or width is None or width <= 0:
        shades = grey(real)
    else:
        shades = spread(real, center - width / 2, center + width / 2)
    return 255 - shades if dataset.get("PhotometricInterpretation") == "MONOCHROME1" else shades


def _read(file: RangedFile, **how: Any) -> Dataset:
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd about it: what matters is raised
        try:
            return dcmread(file, force=file.head[128:132] != b"DICM", **how)
        except (InvalidDicomError, EOFError) as error:
            raise MediaRefusedError(
                "object_unreadable", f"Its DICOM header cannot be read: {one_line(str(error), 100)}"
            ) from None


def _text(value: object) -> str:
    return "" if value is None else str(value).strip("\0 ")[: _WORD + 1][:_WORD]


def _whole(value: object, otherwise: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        return otherwise
    return number if 0 <= number <= 2**31 else otherwise


def _numbers(value: object, most: int) -> list[float]:
    """A value, or several; what is no number is left out, as if it was not given."""
    if value is None:
        return []
    several = [value] if isinstance(value, str | int | float) else list(value)  # type: ignore[call-overload]
    found = []
    for one in several[:most]:
        try:
            number = float(one)
        except (TypeError, ValueError):
            continue
        if np.isfinite(number):
            found.append(number)
    return found
