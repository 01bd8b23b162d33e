"""Each rule of files and items has a case of its own, told at its place."""

import gzip

import pytest

from assets.collections.specification import problems as problem_lists
from assets.collections.specification.urls import url_faults
from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from resources.collections.rules import FILE_RULES, ITEM_RULES
from tests.assets.collections.specification.files import drafts, found, read

A = "s3://bucket/a.png"
SCHEMA = MetadataSchema(
    "all",
    {
        key.name: key
        for key in (
            MetadataKey("lux", "number"),
            MetadataKey("night", "boolean"),
            MetadataKey("seen", "datetime"),
            MetadataKey("id", "uuid"),
            MetadataKey("note", "varchar"),
            MetadataKey("script", "text"),
            MetadataKey("site", "enum", ("north", "south")),
            MetadataKey("vec", "embedding", size=3),
            MetadataKey("where", "geospatial"),
            MetadataKey("gone", "number", state="deleted"),
        )
    },
)
IMAGE_METADATA = {"mimeType": "image/png", "fileSize": 512, "width": 32, "height": 16}


def image(**members):
    return {"images": [{"objectUrl": A} | members]}


def described(**metadata):
    return image(clientMetadata=metadata)


def video(**metadata):
    return {"videos": [{"objectUrl": "s3://bucket/a.mp4", "clientMetadata": metadata}]}


def group(*, title="G", **members):
    return {"image_groups": [{"title": title, "objectUrl_0": A} | members]}


META = "/images/0/clientMetadata"
FRAMES = "/videos/0/clientMetadata"

JSON_CASES = [
    ("json_syntax", b"", ""),
    ("json_syntax", b'{"images": [', ""),
    ("json_syntax", b'{"images": [{"objectUrl": "s3://b/a"}]', ""),
    ("json_syntax", b'{"images": [{"objectUrl": "s3://b/a"},]}', ""),
    ("json_syntax", b'{"images": [{"objectUrl": "s3://b/a"},,{"objectUrl": "s3://b/a"}]}', ""),
    ("json_syntax", b'{"images": [{"objectUrl": "s3://b/a"}}', ""),
    ("json_syntax", b'{"images": [{"objectUrl": "s3://b/a"}]} x', ""),
    ("json_syntax", b'{"images": [], "images": []}', ""),
    ("json_syntax", b'{"images" [{"objectUrl": "s3://b/a"}]}', ""),
    ("json_syntax", b"{'images': []}", ""),
    (
        "json_syntax",
        b'{"images": [{"objectUrl": "s3://b/a", "clientMetadata": {"x": NaN}}]}',
        "",
    ),
    ("json_syntax", b'{"images": [{"objectUrl": "s3://b/\xff"}]}', ""),
    ("json_syntax", '{"images": [{"objectUrl": "s3://b/a"}]}'.encode("utf-16"), ""),
    ("json_syntax", b'{"movies": [1], "images": [{]}', ""),
    ("json_syntax", b'["images",', ""),
    ("spec_not_object", b'[{"objectUrl": "s3://b/a"}]', ""),
    ("spec_not_object", b'"images"', ""),
    ("spec_not_object", b"null", ""),
    ("unknown_key", {"movies": [{"objectUrl": A}]}, "/movies"),
    ("unknown_key", {"Images": [{"objectUrl": A}]}, "/Images"),
    ("unknown_key", {"scenes": [{"objectUrl": A}]}, "/scenes"),
    ("unknown_key", {"a/b~c": {"deep": [1, {"x": "}"}]}, "images": [5]}, "/a~1b~0c"),
    ("section_not_array", {"images": {"objectUrl": A}}, "/images"),
    ("section_not_array", {"videos": None, "images": [{"objectUrl": A}]}, "/videos"),
    ("flag_not_boolean", {"skip_duplicate_urls": "true", **image()}, "/skip_duplicate_urls"),
    ("flag_not_boolean", {**image(), "skip_duplicate_urls": 1}, "/skip_duplicate_urls"),
    ("flag_not_boolean", {**image(), "upsert_metadata": None}, "/upsert_metadata"),
    ("flag_not_boolean", {**image(), "upsert_metadata": [True]}, "/upsert_metadata"),
    ("upsert_requires_skip", {**image(), "upsert_metadata": True}, "/upsert_metadata"),
    (
        "upsert_requires_skip",
        {"upsert_metadata": True, "skip_duplicate_urls": False, **image()},
        "/upsert_metadata",
    ),
    ("no_items", {}, ""),
    ("no_items", {"images": [], "videos": []}, ""),
    ("item_not_object", {"images": [5]}, "/images/0"),
    ("item_not_object", {"images": [{"objectUrl": A}, A]}, "/images/1"),
    ("item_not_object", {"image_groups": [[A]]}, "/image_groups/0"),
    ("unknown_item_field", image(imagemetadata={}), "/images/0/imagemetadata"),
    ("unknown_item_field", image(videoMetadata={}), "/images/0/videoMetadata"),
    ("unknown_item_field", image(objectUrl_0=A), "/images/0/objectUrl_0"),
    ("unknown_item_field", image(createVideo=True), "/images/0/createVideo"),
    ("unknown_item_field", group(objectUrl=A), "/image_groups/0/objectUrl"),
    ("unknown_item_field", {"nifti": [{"objectUrl": A, "x": 1}]}, "/nifti/0/x"),
    ("url_missing", {"images": [{"title": "A"}]}, "/images/0/objectUrl"),
    ("url_missing", image(objectUrl=""), "/images/0/objectUrl"),
    ("url_not_string", image(objectUrl=5), "/images/0/objectUrl"),
    ("url_not_string", image(objectUrl=None), "/images/0/objectUrl"),
    ("url_not_string", group(objectUrl_1=[A]), "/image_groups/0/objectUrl_1"),
    ("url_whitespace", image(objectUrl="s3://bucket/a b.png"), "/images/0/objectUrl"),
    ("url_whitespace", image(objectUrl="s3://bucket/ä\u3000b.png"), "/images/0/objectUrl"),
    ("url_whitespace", image(objectUrl="s3://bucket/a\u0000b.png"), "/images/0/objectUrl"),
    ("url_whitespace", group(objectUrl_1=A + "\n"), "/image_groups/0/objectUrl_1"),
    ("url_too_long", image(objectUrl="s3://b/" + "a" * 16378), "/images/0/objectUrl"),
    ("url_too_long", image(objectUrl="s3://b/" + "é" * 8189), "/images/0/objectUrl"),
    ("url_no_scheme", image(objectUrl="bucket/a.png"), "/images/0/objectUrl"),
    ("url_no_scheme", image(objectUrl="s3://"), "/images/0/objectUrl"),
    ("url_no_scheme", group(objectUrl_1="://a"), "/image_groups/0/objectUrl_1"),
    ("title_required", {"image_groups": [{"objectUrl_0": A}]}, "/image_groups/0/title"),
    ("title_required", group(title=" "), "/image_groups/0/title"),
    (
        "title_required",
        {"dicom_series": [{"objectUrl_0": A, "title": None}]},
        "/dicom_series/0/title",
    ),
    ("title_not_string", image(title=5), "/images/0/title"),
    ("title_not_string", group(title=[]), "/image_groups/0/title"),
    ("title_not_string", image(title="a\u0000"), "/images/0/title"),
    ("title_too_long", image(title="é" * 301), "/images/0/title"),
    ("title_too_long", group(title="t" * 301), "/image_groups/0/title"),
    ("group_no_urls", {"image_groups": [{"title": "G"}]}, "/image_groups/0"),
    ("group_index_invalid", group(objectUrl_01=A), "/image_groups/0/objectUrl_01"),
    ("group_index_invalid", group(objectUrl_x=A), "/image_groups/0/objectUrl_x"),
    ("group_index_invalid", group(**{"objectUrl_-1": A}), "/image_groups/0/objectUrl_-1"),
    ("group_index_gap", group(objectUrl_2=A), "/image_groups/0"),
    (
        "group_index_gap",
        {"dicom_series": [{"title": "S", "objectUrl_1": A, "objectUrl_2": A}]},
        "/dicom_series/0",
    ),
    ("create_video_not_boolean", group(createVideo="yes"), "/image_groups/0/createVideo"),
    ("create_video_not_boolean", group(createVideo=None), "/image_groups/0/createVideo"),
    ("media_metadata_invalid", image(imageMetadata=5), "/images/0/imageMetadata"),
    (
        "media_metadata_invalid",
        image(imageMetadata=IMAGE_METADATA | {"fps": 5}),
        "/images/0/imageMetadata/fps",
    ),
    (
        "media_metadata_invalid",
        image(imageMetadata=IMAGE_METADATA | {"mime_type": "image/png"}),
        "/images/0/imageMetadata/mime_type",
    ),
    ("media_metadata_missing", image(imageMetadata={"width": 5}), "/images/0/imageMetadata"),
    (
        "media_metadata_type",
        image(imageMetadata=IMAGE_METADATA | {"width": "32"}),
        "/images/0/imageMetadata/width",
    ),
    (
        "media_metadata_type",
        image(imageMetadata=IMAGE_METADATA | {"height": -1}),
        "/images/0/imageMetadata/height",
    ),
    (
        "media_metadata_type",
        image(imageMetadata=IMAGE_METADATA | {"fileSize": 2**63}),
        "/images/0/imageMetadata/fileSize",
    ),
    ("client_metadata_not_object", image(clientMetadata=[1]), META),
    ("client_metadata_not_object", group(clientMetadata="x"), "/image_groups/0/clientMetadata"),
    ("client_metadata_too_large", described(x="a" * 10_485_753), META),
    ("client_metadata_nul", described(x="a\u0000"), f"{META}/x"),
    ("client_metadata_nul", described(x=[{"y": "\ud800"}]), f"{META}/x/0/y"),
    ("client_metadata_nul", described(**{"a\u0000": 1}), f"{META}/a\0"),
    ("reserved_key_invalid", described(**{"$mine": 1}), f"{META}/$mine"),
    ("reserved_key_invalid", video(**{"$encord": 5}), f"{FRAMES}/$encord"),
    ("reserved_key_invalid", video(**{"$waybill": {"x": 1}}), f"{FRAMES}/$waybill/x"),
    ("reserved_key_invalid", video(**{"$encord": {}, "$waybill": {}}), f"{FRAMES}/$encord"),
    ("reserved_key_invalid", video(keyframes="13"), f"{FRAMES}/keyframes"),
    ("reserved_key_invalid", video(keyframes=[True]), f"{FRAMES}/keyframes"),
    (
        "reserved_key_invalid",
        video(**{"$encord": {"frames": {"1": 5}}}),
        f"{FRAMES}/$encord/frames/1",
    ),
    (
        "reserved_key_invalid",
        video(**{"$encord": {"config": {"keyframe_mode": "seconds"}}, "keyframes": [1]}),
        f"{FRAMES}/keyframes",
    ),
    ("metadata_type_mismatch", described(lux="bright"), f"{META}/lux"),
    ("metadata_type_mismatch", described(lux=True), f"{META}/lux"),
    ("metadata_type_mismatch", described(night=1), f"{META}/night"),
    ("metadata_type_mismatch", described(seen="yesterday"), f"{META}/seen"),
    ("metadata_type_mismatch", described(id="123"), f"{META}/id"),
    ("metadata_type_mismatch", described(note=5), f"{META}/note"),
    ("metadata_type_mismatch", described(script=[]), f"{META}/script"),
    ("metadata_type_mismatch", described(site=5), f"{META}/site"),
    ("metadata_type_mismatch", described(where={"latitude": 91, "longitude": 0}), f"{META}/where"),
    ("metadata_type_mismatch", described(where=[52.5, 13.4]), f"{META}/where"),
    ("metadata_type_mismatch", video(vec=[1, 2, 3]), f"{FRAMES}/vec"),
    ("metadata_type_mismatch", b'{"images": [{"objectUrl": "s3://b/a", "clientMetadata": {"x": 1e400}}]}', f"{META}/x"),
    (
        "metadata_type_mismatch",
        video(**{"$encord": {"frames": {"1": {"lux": "x"}}}}),
        f"{FRAMES}/$encord/frames/1/lux",
    ),
    ("metadata_value_too_long", described(note="x" * 8193), f"{META}/note"),
    ("enum_value_unknown", described(site="east"), f"{META}/site"),
    ("embedding_not_numeric", described(vec=[1, "2", 3]), f"{META}/vec/1"),
    ("embedding_not_numeric", described(vec="1,2,3"), f"{META}/vec"),
    ("embedding_size_mismatch", described(vec=[1, 2]), f"{META}/vec"),
    (
        "embedding_size_mismatch",
        video(**{"$waybill": {"frames": {"13": {"vec": [1]}}}}),
        f"{FRAMES}/$waybill/frames/13/vec",
    ),
    ("config_not_video", described(**{"$encord": {"config": {}}}), f"{META}/$encord"),
    ("config_not_video", described(keyframes=[1]), f"{META}/keyframes"),
    *(
        (
            "sampling_rate_invalid",
            video(**{"$encord": {"config": {"sampling_rate": rate}}}),
            f"{FRAMES}/$encord/config/sampling_rate",
        )
        for rate in (-1, "1", True, None)
    ),
    (
        "keyframe_mode_invalid",
        video(**{"$encord": {"config": {"keyframe_mode": "minutes"}}}),
        f"{FRAMES}/$encord/config/keyframe_mode",
    ),
    *(
        ("frame_key_invalid", video(**{"$encord": {"frames": {key: {}}}}), f"{FRAMES}/$encord/frames/{key}")
        for key in ("1.5", "-1", "007", "x")
    ),
    (
        "frame_key_invalid",
        video(**{"$encord": {"config": {"keyframe_mode": "seconds"}, "frames": {"1e3": {}}}}),
        f"{FRAMES}/$encord/frames/1e3",
    ),
]  # fmt: skip

IMAGES = "ObjectURL,Image title\n"
GROUPS = "ObjectURL,Image group title,Create video\n"

CSV_CASES = [
    ("csv_header_missing_url", "", "1"),
    ("csv_header_missing_url", "URL,Image title\ns3://b/a,A\n", "1"),
    ("csv_header_missing_url", "ObjectURL;Image title\ns3://b/a;A\n", "1"),
    ("csv_header_unknown", "ObjectURL,Image title,Lux\ns3://b/a,A,5\n", "1"),
    ("csv_header_unknown", "ObjectURL,Image title,Video title\n", "1"),
    ("csv_header_unknown", "ObjectURL,ObjectUrl\n", "1"),
    ("csv_header_unknown", "ObjectURL,Video title,Create video\n", "1"),
    ("csv_header_unknown", f"{IMAGES}s3://b/a,A\nObjectURL,Movie title\n", "3"),
    ("csv_syntax", f'{IMAGES}s3://b/a,"A\n', "2"),
    ("csv_syntax", f'{IMAGES}s3://b/a,"A"B\n', "2"),
    ("csv_syntax", IMAGES.encode() + b"s3://b/\xe9,A\n", "0"),
    ("no_items", IMAGES, "0"),
    ("csv_column_count", f"{IMAGES}s3://b/a,A\ns3://b/b\n", "3"),
    ("csv_column_count", f"{IMAGES}s3://b/a,A,\n", "2"),
    ("url_missing", f"{IMAGES}s3://b/a,A\n,B\n", "3"),
    ("url_whitespace", f"{IMAGES} s3://b/a,A\n", "2"),
    ("url_too_long", f"{IMAGES}s3://b/{'a' * 16378},A\n", "2"),
    ("url_no_scheme", f"{IMAGES}a.png,A\n", "2"),
    ("title_required", f"{GROUPS}s3://b/a,,\n", "2"),
    ("title_too_long", f"{IMAGES}s3://b/a,{'t' * 301}\n", "2"),
    ("title_not_string", f"{IMAGES}s3://b/a,a\0b\n", "2"),
    ("create_video_not_boolean", f"{GROUPS}s3://b/a,G,perhaps\n", "2"),
    ("group_mixed_create_video", f"{GROUPS}s3://b/a,G,false\n\ns3://b/b,G,\n", "4"),
]


def _name(case):
    return f"{case[0]}-{str(case[1])[:40]}"


@pytest.mark.parametrize("case", JSON_CASES, ids=_name)
def test_a_rule_of_json_is_told_at_its_place(tmp_path, case):
    rule, content, at = case
    specification = read(tmp_path, content, schema=SCHEMA)
    assert found(specification) == [(at, rule)]
    assert drafts(specification) == []


@pytest.mark.parametrize("case", CSV_CASES, ids=_name)
def test_a_rule_of_csv_is_told_with_its_row(tmp_path, case):
    rule, content, row = case
    specification = read(tmp_path, content, "spec.csv")
    assert found(specification) == [(row, rule)]
    assert drafts(specification) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("spec.txt", b"{}"),
        ("spec.json.gz", gzip.compress(b"{}" * 99, mtime=0)[:-9]),
        ("a.zip", b"PK\3\4"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path, name, content):
    assert found(read(tmp_path, content, name)) == [("", "file_unreadable")]


TESTED_BELOW = {"too_many_items", "too_many_urls", "item_too_large", "file_unreadable"}
"""Rules with a test of their own, here or in `test_limits.py`."""


def test_each_rule_has_a_case():
    cases = {case[0] for case in [*JSON_CASES, *CSV_CASES]}
    assert cases | TESTED_BELOW == {*FILE_RULES, *ITEM_RULES}
    assert not cases & TESTED_BELOW


def test_messages_are_one_line_and_short(tmp_path):
    for _, content, _ in JSON_CASES:
        for problem in read(tmp_path, content, schema=SCHEMA).problems:
            assert problem.message
            assert "\n" not in problem.message + problem.hint
            assert len(problem.message) < 400


def test_all_errors_of_items_are_told_in_the_order_of_the_file(tmp_path):
    content = {
        "images": [{"objectUrl": A}, {"objectUrl": "x y"}, {"objectUrl": A, "title": 5, "x": 1}],
        "image_groups": [{"objectUrl_1": A}],
    }
    assert found(read(tmp_path, content)) == [
        ("/images/1/objectUrl", "url_whitespace"),
        ("/images/2/title", "title_not_string"),
        ("/images/2/x", "unknown_item_field"),
        ("/image_groups/0/title", "title_required"),
        ("/image_groups/0", "group_index_gap"),
    ]


def test_an_error_of_the_file_stands_alone(tmp_path):
    content = {"images": [{"objectUrl": "x y"}] * 3, "movies": [], "upsert_metadata": True}
    assert found(read(tmp_path, content)) == [("/movies", "unknown_key")]


def test_more_problems_than_are_listed_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(problem_lists, "MOST_PROBLEMS", 10)
    specification = read(tmp_path, {"images": [{"objectUrl": 5}, {}] * 30})
    assert len(specification.problems) == 10
    assert specification.problem_count == 60
    assert specification.problem_counts == {"url_not_string": 30, "url_missing": 30}


def test_scenes_are_named(tmp_path):
    (problem,) = read(tmp_path, {"scenes": [{"objectUrl": A}]}).problems
    assert "point clouds" in problem.message


@pytest.mark.parametrize(
    ("name", "meant"), [("imagemetadata", "imageMetadata"), ("clientmetadata", "clientMetadata")]
)
def test_a_member_that_is_nearly_right_is_suggested(tmp_path, name, meant):
    (problem,) = read(tmp_path, image(**{name: {}})).problems
    assert meant in problem.hint


def test_a_problem_of_a_url_holds_no_password_of_it():
    url = "https://u:canary@example.com/a b.png?token=canary"
    (message,) = [message for _, message, _ in url_faults(url)]
    assert "https://example.com/a b.png" in message
    assert "canary" not in message
