"""Whether DICOM files are one series: the checks of `docs/media.md`, each naming the file that breaks it.

Geometry is asked of files that hold one slice each. Files of several frames tell it for each frame, where it is not looked for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from resources.media.facts import DicomHeader

_Value = TypeVar("_Value", bound=Hashable)

_MOST_UID = 64
_UNIT_TOLERANCE = 1e-3
_ORTHOGONAL_TOLERANCE = 1e-2
_SAME_TOLERANCE = 1e-4
_SPACING_TOLERANCE = 0.01
"""Millimetres, or this share of the distance, by which the distance of two slices may differ from the usual one."""
_EVEN_SHARE = 0.97
_MOST_LISTED = 100


def series_problems(headers: Sequence[DicomHeader]) -> list[tuple[int, str]]:
    """What is wrong, as position of the file and message, in the order of the files; the first hundred."""
    found = [
        problem for check in (_identity, _twice, _image, _geometry) for problem in check(headers)
    ]
    if not found:
        found = list(_distances(headers))
    return sorted(found)[:_MOST_LISTED]


def _identity(headers: Sequence[DicomHeader]) -> Iterator[tuple[int, str]]:
    """Tags that say which file of which series of which study this is."""
    study = _usual([header.study for header in headers])
    series = _usual([header.series for header in headers])
    for number, header in enumerate(headers):
        for tag, value in (
            ("StudyInstanceUID", header.study),
            ("SeriesInstanceUID", header.series),
            ("SOPInstanceUID", header.instance),
        ):
            if not value:
                yield number, f"{tag} is missing"
            elif len(value) > _MOST_UID or not set(value) <= set("0123456789."):
                yield number, f"{tag} is no UID: {value!r}"
        if not header.has_patient:
            yield number, "PatientID is missing"
        if header.study and header.study != study:
            yield number, f"StudyInstanceUID is {header.study}, of the others {study}"
        elif header.series and header.series != series:
            yield number, f"SeriesInstanceUID is {header.series}, of the others {series}"


def _twice(headers: Sequence[DicomHeader]) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for number, header in enumerate(headers):
        if header.instance and header.instance in seen:
            yield number, f"SOPInstanceUID {header.instance} is that of an earlier file too"
        seen.add(header.instance)


def _image(headers: Sequence[DicomHeader]) -> Iterator[tuple[int, str]]:
    """Pixels, frames, and how values become grey."""
    sizes = _usual([(header.columns, header.rows) for header in headers])
    windows = _usual([_window_shape(header) for header in headers])
    for number, header in enumerate(headers):
        size = (header.columns, header.rows)
        if not all(size):
            yield number, "Rows or Columns is missing"
        elif size != sizes:
            yield number, f"it has {size[0]} x {size[1]} pixels, the others {sizes[0]} x {sizes[1]}"
        if header.frames < 1:
            yield number, "NumberOfFrames is no number from 1 on"
        if len(header.window_centers) != len(header.window_widths):
            yield number, "WindowCenter and WindowWidth differ in how many values they have"
        elif any(width <= 0 for width in header.window_widths):
            yield number, "WindowWidth is not above 0"
        elif _window_shape(header) != windows:
            yield number, "it has another number of window settings than the others"


def _window_shape(header: DicomHeader) -> int:
    return len(header.window_centers)


def _geometry(headers: Sequence[DicomHeader]) -> Iterator[tuple[int, str]]:
    """Where each slice lies in the patient."""
    told = [tuple(header.orientation) for header in headers if len(header.orientation) == 6]
    orientation = _usual(told) if told else ()
    for number, header in enumerate(headers):
        if _tells_by_frame(header):
            continue
        if len(header.position) != 3:
            yield number, "ImagePositionPatient is missing or has not 3 numbers"
        if len(header.orientation) != 6:
            yield number, "ImageOrientationPatient is missing or has not 6 numbers"
        elif not _is_orientation(header.orientation):
            yield number, "ImageOrientationPatient is no pair of perpendicular directions"
        elif orientation and math.dist(header.orientation, orientation) > _SAME_TOLERANCE:
            yield number, "ImageOrientationPatient differs from that of the others"
        if len(header.spacing) != 2 or min(header.spacing) <= 0:
            yield number, "PixelSpacing is missing or has not 2 numbers above 0"
        if header.thickness is None or header.thickness < 0:
            yield number, "SliceThickness is missing or below 0"


def _tells_by_frame(header: DicomHeader) -> bool:
    return header.has_functional_groups or header.frames > 1


def _is_orientation(six: Sequence[float]) -> bool:
    row, column = six[:3], six[3:]
    lengths = (math.hypot(*row), math.hypot(*column))
    return (
        all(abs(length - 1) < _UNIT_TOLERANCE for length in lengths)
        and abs(sum(a * b for a, b in zip(row, column, strict=True))) < _ORTHOGONAL_TOLERANCE
    )


def _distances(headers: Sequence[DicomHeader]) -> Iterator[tuple[int, str]]:
    """Slices lie at even distances: all but a few in a hundred."""
    places = sorted(
        (_along(header), number)
        for number, header in enumerate(headers)
        if not _tells_by_frame(header)
    )
    if len(places) < 3:
        return
    steps = [(behind[0] - before[0], behind[1]) for before, behind in pairwise(places)]
    usual = sorted(step for step, _ in steps)[len(steps) // 2]
    most = max(_SPACING_TOLERANCE, abs(usual) * _SPACING_TOLERANCE)
    odd = [(step, number) for step, number in steps if abs(step - usual) > most]
    if len(odd) > len(steps) * (1 - _EVEN_SHARE):
        for step, number in odd:
            yield number, f"it lies {step:.3f} mm from the slice before it, others {usual:.3f} mm"


def _along(header: DicomHeader) -> float:
    """How far along the normal of its plane a slice lies."""
    a, b, c, d, e, f = header.orientation
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return sum(n * p for n, p in zip(normal, header.position, strict=True))


def _usual(values: Sequence[_Value]) -> _Value:
    """What most of them are; of several the first."""
    return Counter(values).most_common(1)[0][0]
