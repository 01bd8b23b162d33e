"""Files of a series that do not fit together: each rule names the file."""

from __future__ import annotations

import pytest

from resources.sandbox.ranges import BytesSource
from tests.resources.media import media_files as make
from tests.resources.media.test_looking import look


def with_one_changed(which=2, count=5, **changed):
    files = make.series(count)
    files[which] = make.series(count, **changed)[which]
    return files


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"StudyInstanceUID": "1.9"}, "StudyInstanceUID is 1.9, of the others"),
        ({"StudyInstanceUID": None}, "StudyInstanceUID is missing"),
        ({"SeriesInstanceUID": "1.9"}, "SeriesInstanceUID is 1.9, of the others"),
        ({"SOPInstanceUID": None}, "SOPInstanceUID is missing"),
        ({"PatientID": None}, "PatientID is missing"),
        ({"rows": 9, "PixelData": bytes(108)}, "it has 6 x 9 pixels, the others 6 x 8"),
        ({"Rows": None}, "Rows or Columns is missing"),
        ({"ImagePositionPatient": None}, "ImagePositionPatient is missing"),
        ({"ImageOrientationPatient": None}, "ImageOrientationPatient is missing"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "no pair of perpendicular directions"),
        ({"ImageOrientationPatient": [0, 1, 0, 1, 0, 0]}, "differs from that of the others"),
        ({"PixelSpacing": None}, "PixelSpacing is missing"),
        ({"PixelSpacing": [0.5, 0]}, "PixelSpacing is missing or has not 2 numbers above 0"),
        ({"SliceThickness": None}, "SliceThickness is missing"),
        ({"NumberOfFrames": 0}, "NumberOfFrames is no number from 1 on"),
        ({"WindowWidth": 0}, "WindowWidth is not above 0"),
        ({"WindowWidth": [100, 200]}, "WindowCenter and WindowWidth differ"),
        ({"WindowCenter": [1, 2], "WindowWidth": [1, 2]}, "another number of window settings"),
        ({"ImagePositionPatient": [0, 0, 5.7]}, "it lies 3.200 mm from the slice before it, others 2.500 mm"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_file_that_does_not_fit_is_named(prober, changed, message):
    files = with_one_changed(**changed)
    sources = [BytesSource(data, f"slice-{n}.dcm") for n, data in enumerate(files)]
    found = prober.look("dicom_series", sources).problems
    assert {one.rule for one in found} == {"dicom_inconsistent"}
    assert any(one.message.startswith("slice-2.dcm: ") and message in one.message for one in found)


def test_an_instance_that_comes_twice_is_named(prober):
    files = make.series(4)
    (found,) = look(prober, "dicom_series", *files, files[1]).problems
    assert found.source == 4
    assert "is that of an earlier file too" in found.message


def test_a_uid_that_is_none(prober):
    found = look(
        prober, "dicom_series", make.dicom("1.2.77", "1.3", 1).replace(b"1.2.77", b"1.2.7x")
    ).problems
    assert [one.message for one in found] == ["0.bin: StudyInstanceUID is no UID: '1.2.7x'"]


def test_a_few_gaps_in_a_hundred_are_let_pass(prober):
    files = make.series(100)
    del files[50]
    assert look(prober, "dicom_series", *files).problems == ()
    del files[10], files[20], files[30], files[60]
    assert len(look(prober, "dicom_series", *files).problems) == 5


def test_the_order_of_files_does_not_matter(prober):
    assert look(prober, "dicom_series", *reversed(make.series(6))).problems == ()


def test_geometry_of_a_file_with_several_frames_is_not_looked_for(prober):
    data = make.dicom(
        "1.2", "1.3", 1, NumberOfFrames=3, PixelData=bytes(288), ImagePositionPatient=None,
        ImageOrientationPatient=None, PixelSpacing=None, SliceThickness=None,
    )  # fmt: skip
    looked = look(prober, "dicom_series", data)
    assert looked.problems == ()
    assert b'"num_frames":3' in looked.media


def test_nothing_that_names_a_patient_is_told(prober):
    looked = look(prober, "dicom_series", make.dicom("1.2", "1.3", 1, PatientName="Doe^Jane"))
    assert b"Doe" not in looked.media
    assert b"P1" not in looked.media
