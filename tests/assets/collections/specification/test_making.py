"""What is made of a listing: accepted by the reader with the same items, the same to the byte, split before the limits."""

import json
import random
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.collections.specification import making, making_items
from assets.collections.specification.making import FileOptions, make_specification
from assets.collections.specification.making_items import (
    ListedObject,
    MakeOptions,
    PassedOver,
    natural_order,
    plan_items,
)
from assets.collections.specification.urls import default_title
from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from resources.kernel.errors import InputError
from tests.assets.collections.specification.files import drafts, read

KEYS = [
    "scan/f10.png",
    "scan/f2.png",
    "scan/f1.png",
    "cam/clip.mp4",
    "cam/a b.mp4",
    "notes/über.txt",
    "study/2.dcm",
    "study/1.dcm",
    "brain.nii.gz",
    "x.unknown",
    "folder/",
]


def listed(keys=KEYS):
    return [ListedObject(key, 0 if key.endswith("/") else 9) for key in keys]


def made(keys=KEYS, files=None, **options):
    return make_specification(listed(keys), MakeOptions(url="s3://b/", **options), files)


def content(specification):
    (file,) = specification.files
    return b"".join(file.chunks())


def test_types_are_told_by_extension_and_what_is_unknown_is_reported():
    result = made()
    assert json.loads(content(result)) == {
        "videos": [
            {"objectUrl": "s3://b/cam/a%20b.mp4", "title": "/cam/a b.mp4"},
            {"objectUrl": "s3://b/cam/clip.mp4"},
        ],
        "images": [{"objectUrl": f"s3://b/scan/f{n}.png"} for n in (1, 2, 10)],
        "dicom_series": [
            {
                "title": "/study",
                "objectUrl_0": "s3://b/study/1.dcm",
                "objectUrl_1": "s3://b/study/2.dcm",
            }
        ],
        "text": [{"objectUrl": "s3://b/notes/über.txt"}],
        "nifti": [{"objectUrl": "s3://b/brain.nii.gz"}],
    }
    assert result.left_out == [PassedOver("x.unknown", "no type is known by this extension")]


@pytest.mark.parametrize("name", ["spec.json", "spec.csv"])
@pytest.mark.parametrize("sequence", [False, True])
def test_images_are_grouped_by_folder_in_natural_order(tmp_path, name, sequence):
    files = FileOptions(format=name[-4:].strip("."))
    result = made(files=files, group_by="folder", sequence=sequence)
    items = drafts(read(tmp_path, content(result), name))
    (group,) = [draft for draft in items if draft.type.startswith("image")]
    assert group.type == ("image_sequence" if sequence else "image_group")
    assert (group.title, group.urls) == (
        "/scan",
        ("s3://b/scan/f1.png", "s3://b/scan/f2.png", "s3://b/scan/f10.png"),
    )


def test_images_are_grouped_by_a_pattern_and_the_others_stay_single():
    keys = ["left-2.png", "left-1.png", "right-1.png", "front.png"]
    plan = plan_items(listed(keys), MakeOptions(url="s3://b/", group_by=r"(\w+)-\d+"))
    assert [(one.type, one.title, len(one.urls)) for one in plan.items] == [
        ("image", "", 1),
        ("image_group", "left", 2),
        ("image_group", "right", 1),
    ]


def test_a_type_for_all():
    plan = plan_items(listed(["a.bin", "b"]), MakeOptions(url="s3://b/", section="videos"))
    assert [one.type for one in plan.items] == ["video", "video"]


def test_only_what_is_included():
    plan = plan_items(listed(), MakeOptions(url="s3://b/", include=lambda key: "clip" in key))
    assert [one.urls for one in plan.items] == [("s3://b/cam/clip.mp4",)]


SIDECARS = {
    "a.png.metadata.json": b'\xef\xbb\xbf{"lux": 3.50, "lux": 4.5}',
    "b.png.metadata.json": b"[1]",
    "c.png.metadata.json": b'{"x": "\\u0000"}',
    "d.png.metadata.json": b"\xff",
    "e.png.metadata.json": b'{"$encord": {"frames": {}}}',
    "f.png.metadata.json": b'{"lux": "dark"}',
}


def test_sidecar_files_become_custom_metadata(tmp_path):
    keys = [*SIDECARS, *(key.removesuffix(".metadata.json") for key in SIDECARS)]
    schema = MetadataSchema("site", {"lux": MetadataKey("lux", "number")})
    result = made(keys, sidecar=SIDECARS.__getitem__, schema=schema)
    items = drafts(read(tmp_path, content(result)))
    assert [item.metadata for item in items] == [b'{"lux":4.5}', *[None] * 5]
    assert [one.key for one in result.left_out] == sorted(SIDECARS)[1:]
    # Without a reader, as for CSV, none is lost without a word.
    plain = made(keys, files=FileOptions(format="csv"))
    assert [one.key for one in plain.left_out] == sorted(SIDECARS)


def test_media_metadata_of_a_probe_is_written(tmp_path):
    facts = {"mimeType": "image/png", "fileSize": 9, "width": 3, "height": 4}
    result = made(
        ["a.png", "b.png"], media=lambda one, _: facts if one.key == "a.png" else {"w": 1}
    )
    first, second = drafts(read(tmp_path, content(result)))
    assert json.loads(first.media)["file_size"] == 9
    assert second.media is None
    assert [one.key for one in result.left_out] == ["b.png"]


def test_flags_stand_in_json_and_nowhere_else():
    options = FileOptions(skip_duplicates=True)
    assert json.loads(content(made(files=options)))["skip_duplicate_urls"] is True
    with pytest.raises(InputError, match="skip_duplicate_urls"):
        made(files=FileOptions(format="csv", skip_duplicates=True))


def test_files_are_split_before_the_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "MOST_URLS", 4)
    monkeypatch.setattr(making_items, "MOST_URLS", 4)
    keys = [f"{folder}/{n}.png" for folder in "abc" for n in range(3)]
    keys += [f"large/{n}.png" for n in range(5)]
    result = made(keys, group_by="folder")
    assert [len(file.items) for file in result.files] == [1, 1, 1]
    assert [one.key for one in result.left_out] == ["/large"]
    split = made(["1.png", "2.png", "3.png"], FileOptions(most_items=2)).files
    assert [len(file.items) for file in split] == [2, 1]
    for number, file in enumerate(split):
        assert len(drafts(read(tmp_path, b"".join(file.chunks())))) == 2 - number
    assert made(["x.unknown"]).files == []


def test_long_names_of_groups_stay_apart():
    keys = [f"{'x' * 400}{n}/1.png" for n in range(3)]
    plan = plan_items(listed(keys), MakeOptions(url="s3://b/", group_by="folder"))
    assert len({one.title for one in plan.items}) == 3
    assert {len(one.title) for one in plan.items} == {300}


def test_natural_order():
    names = ["f2", "f10", "f1", "f01", "f", "F1", "f1b", f"f{'9' * 6000}", "f1.5"]
    assert sorted(names, key=natural_order) == [
        "F1", "f", "f01", "f1", "f1.5", "f1b", "f2", "f10", f"f{'9' * 6000}",
    ]  # fmt: skip


parts = st.text(
    st.sampled_from("ab 1290%#?+&\u00e9\u3000\n\r\",;\0'\u200b\ud800"), min_size=1, max_size=6
)
keys = st.builds(
    lambda folders, name, ending: "/".join([*folders, name]) + ending,
    st.lists(parts, max_size=2),
    parts,
    st.sampled_from([".png", ".PNG", ".mp4", ".dcm", ".nii.gz", ".nii", ".pdf", ".x", "", "/"]),
)


@given(
    st.lists(keys, max_size=12),
    st.sampled_from(["", "folder", r"(\w*)[0-9]"]),
    st.sampled_from(["s3://bucket/", "https://host/a/"]),
    st.sampled_from([FileOptions(), FileOptions("csv"), FileOptions("json", True, 3)]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_what_is_made_is_accepted_with_the_same_items(names, group_by, url, files, seq, chance):
    options = MakeOptions(url=url, group_by=group_by, sequence=seq)
    result = make_specification(listed(names), options, files)
    shuffled = listed(names)
    chance.shuffle(shuffled)
    again = make_specification(shuffled, options, files)
    written = [b"".join(file.chunks()) for file in result.files]
    assert written == [b"".join(file.chunks()) for file in again.files]
    items = []
    with TemporaryDirectory() as folder:
        for text in written:
            specification = read(Path(folder), text, f"spec.{files.format}")
            assert specification.problems == ()
            items += drafts(specification)
    planned = [item for file in result.files for item in file.items]
    assert Counter(_told(item) for item in items) == Counter(_told(item) for item in planned)


def _told(item):
    title = item.title or default_title(item.urls[0])
    return item.type, title, item.urls


def test_listings_in_any_order_give_the_same_bytes():
    shuffled = listed()
    random.Random(5).shuffle(shuffled)
    result = make_specification(shuffled, MakeOptions(url="s3://b/"))
    assert content(result) == content(made())
