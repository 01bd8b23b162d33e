"""What a specification says becomes items: both formats, all types, both spellings, defaults, packed files."""

import gzip
import io
import json
import zipfile
from collections import Counter

import pyarrow as pa
import pytest

from resources.collections.items import MEDIA_FIELDS, ItemDraft
from resources.kernel.errors import SourceChangedError
from tests.assets.collections.specification.files import drafts, found, read

A, B = "s3://bucket/clips/a.mp4", "s3://bucket/b.png"


def one(folder, content, name="spec.json") -> ItemDraft:
    specification = read(folder, content, name)
    assert specification.problems == ()
    (draft,) = drafts(specification)
    return draft


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        ("videos", "video"),
        ("images", "image"),
        ("audio", "audio"),
        ("text", "text"),
        ("pdf", "pdf"),
        ("pdfs", "pdf"),
        ("nifti", "nifti"),
    ],
)
def test_each_section_of_single_items(tmp_path, section, kind):
    draft = one(tmp_path, {section: [{"objectUrl": A}]})
    assert draft == ItemDraft(f"/{section}/0", kind, "/clips/a.mp4", (A,))


@pytest.mark.parametrize(
    ("section", "more", "kind"),
    [
        ("image_groups", {}, "image_group"),
        ("image_groups", {"createVideo": False}, "image_group"),
        ("image_groups", {"createVideo": True}, "image_sequence"),
        ("dicom_series", {}, "dicom_series"),
    ],
)
def test_numbered_urls_are_ordered_by_number(tmp_path, section, more, kind):
    places = [10, 2, 0, 1, 9, 3, 8, 4, 7, 5, 6]
    urls = {f"objectUrl_{place}": f"s3://b/{place}" for place in places}
    draft = one(tmp_path, {section: [{"title": "G", **urls, **more}]})
    assert draft == ItemDraft(f"/{section}/0", kind, "G", tuple(f"s3://b/{n}" for n in range(11)))


def test_types_are_mixed_and_counted_with_their_defaults(tmp_path):
    groups = [{"title": "G", "objectUrl_0": A, "objectUrl_1": B}, {"title": "H", "objectUrl_0": A}]
    content = {
        "image_groups": [*groups, groups[0] | {"createVideo": True}],
        "skip_duplicate_urls": True,
        "images": [{"objectUrl": B}],
        "upsert_metadata": True,
    }
    specification = read(tmp_path, content)
    assert specification.counts.items == {"image_group": 2, "image_sequence": 1, "image": 1}
    assert specification.counts.urls == {"image_group": 3, "image_sequence": 2, "image": 1}
    assert specification.counts.create_video_default == {"image_group": 2}
    assert specification.flags.skip_duplicate_urls
    assert specification.flags.upsert_metadata
    assert Counter(d.type for d in drafts(specification)) == specification.counts.items


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("s3://bucket/clips/a.mp4", "/clips/a.mp4"),
        ("https://host/a/b.png?size=5#x", "/a/b.png"),
        ("s3://bucket/a?b#c.png", "/a?b#c.png"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket/"),
        ("s3://bucket/" + "é" * 400, "é" * 300),
    ],
)
@pytest.mark.parametrize("given", [{}, {"title": None}, {"title": ""}, {"title": "  "}])
def test_the_default_title_is_the_path_of_the_url(tmp_path, url, title, given):
    assert one(tmp_path, {"images": [{"objectUrl": url, **given}]}).title == title


VALUES = {
    "mime_type": "video/mp4",
    "codec": "mp3",
    "fps": 29.97,
    "duration": 12.5,
    "file_size": 512,
    "width": 32,
    "height": 16,
    "sample_rate": 48000,
    "bit_depth": 16,
    "num_channels": 2,
    "num_pages": 5,
}
SECTIONS = {"image": "images", "video": "videos", "audio": "audio", "text": "text", "pdf": "pdf"}


def _camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@pytest.mark.parametrize("kind", SECTIONS)
@pytest.mark.parametrize("duration", ["duration", "duration_seconds", "durationSeconds"])
@pytest.mark.parametrize("spell", [str, _camel], ids=["snake", "camel"])
def test_both_spellings_of_media_metadata_are_kept_as_one(tmp_path, kind, duration, spell):
    fields = {name: VALUES[name] for name in MEDIA_FIELDS[kind]}
    given = {spell(name): value for name, value in fields.items() if name != "duration"}
    if "duration" in fields:
        given[duration] = fields["duration"]
    draft = one(tmp_path, {SECTIONS[kind]: [{"objectUrl": A, f"{kind}Metadata": given}]})
    assert draft.media == json.dumps(fields, separators=(",", ":")).encode()


def test_media_metadata_with_whole_numbers_as_doubles_or_in_mixed_spelling(tmp_path):
    given = {"mimeType": "image/png", "file_size": 512.0, "width": 32, "height": 16.0}
    draft = one(tmp_path, {"images": [{"objectUrl": B, "imageMetadata": given}]})
    assert json.loads(draft.media) == {
        "mime_type": "image/png",
        "file_size": 512,
        "width": 32,
        "height": 16,
    }


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_media_metadata_is_none(tmp_path, nothing):
    assert one(tmp_path, {"images": [{"objectUrl": B, "imageMetadata": nothing}]}).media is None


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        (b"null", None),
        (b"{}", b"{}"),
        (b'{"a": 1, "a": {"b": [1.50, null]}}', b'{"a":{"b":[1.5,null]}}'),
        (b'{"b": 123456789012345678901234567890, "a": "\\u00e9"}', None),
        (b'{"deep": [[[[[[[[[[1]]]]]]]]]]}', b'{"deep":[[[[[[[[[[1]]]]]]]]]]}'),
        (b'{"keyframes": []}', b'{}'),
    ],
)  # fmt: skip
def test_custom_metadata_is_kept_as_compact_json(tmp_path, metadata, kept):
    text = b'{"videos": [{"objectUrl": "s3://b/a", "clientMetadata": %b}]}' % metadata
    draft = one(tmp_path, text)
    if metadata.startswith(b'{"b"'):
        kept = '{"b":123456789012345678901234567890,"a":"é"}'.encode()
    assert draft.metadata == kept


@pytest.mark.parametrize("name", ["$encord", "$waybill"])
def test_frames_are_kept_under_one_name(tmp_path, name):
    given = {
        name: {"config": {"sampling_rate": 0}, "frames": {"13": {"blur": 1}}},
        "keyframes": [13, 17],
        "site": "north",
    }
    draft = one(tmp_path, {"videos": [{"objectUrl": A, "clientMetadata": given}]})
    assert json.loads(draft.metadata) == {
        "site": "north",
        "$waybill": {"config": {"sampling_rate": 0}, "frames": {"13": {"blur": 1}, "17": {}}},
    }


def test_vectors_that_nothing_declares_are_told(tmp_path):
    vector = {"objectUrl": B, "clientMetadata": {"vec": [0.5] * 16, "few": [1, 2]}}
    specification = read(tmp_path, {"images": [{"objectUrl": B}, vector, vector]})
    assert specification.counts.vectors == {"vec": (2, "/images/1")}


def test_a_csv_file_with_several_header_rows(tmp_path):
    content = (
        "\ufeffObjectURL,Video title\r\ns3://b/a.mp4,\r\ns3://b/b.mp4,B\r\n\r\n"
        'Image Group Title,objecturl,CREATE VIDEO\r\n"G, 1",s3://b/0.png,false\r\nH,s3://b/5.png,\r\n'
        '"G, 1",s3://b/1.png,FALSE\r\nSeries title,ObjectURL\r\nS,s3://b/0.dcm\r\n'
        "ObjectURL,PDF title\r\ns3://b/a.pdf,P"
    )
    specification = read(tmp_path, content, "spec.CSV")
    assert specification.problems == ()
    assert sorted(drafts(specification), key=lambda draft: int(draft.at)) == [
        ItemDraft("2", "video", "/a.mp4", ("s3://b/a.mp4",)),
        ItemDraft("3", "video", "B", ("s3://b/b.mp4",)),
        ItemDraft("6", "image_group", "G, 1", ("s3://b/0.png", "s3://b/1.png")),
        ItemDraft("7", "image_sequence", "H", ("s3://b/5.png",)),
        ItemDraft("10", "dicom_series", "S", ("s3://b/0.dcm",)),
        ItemDraft("12", "pdf", "P", ("s3://b/a.pdf",)),
    ]
    assert specification.counts.create_video_default == {"image_sequence": 1}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_a_single_column_is_of_videos(tmp_path, end):
    specification = read(tmp_path, end.join(["ObjectUrl", A, B, ""]), "spec.csv")
    assert [(d.type, d.urls[0]) for d in drafts(specification)] == [("video", A), ("video", B)]


def test_groups_without_the_column_create_video_are_sequences(tmp_path):
    draft = one(tmp_path, f"ObjectURL,Image group title\n{A},G\n{B},G\n", "spec.csv")
    assert (draft.type, draft.urls) == ("image_sequence", (A, B))


def _zipped(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/spec.json", content)
    return out.getvalue()


PACKED = {
    "spec.json.gz": gzip.compress,
    "spec.json.zst": lambda data: pa.compress(data, "zstd", asbytes=True),
    "spec.zip": _zipped,
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_files_are_read_as_they_are(tmp_path, name):
    content = json.dumps({"images": [{"objectUrl": B, "title": str(n)} for n in range(5000)]})
    specification = read(tmp_path, PACKED[name](content.encode()), name)
    assert specification.problems == ()
    assert [draft.title for draft in drafts(specification)] == [str(n) for n in range(5000)]


def test_a_file_that_changed_after_the_check_is_not_imported(tmp_path):
    specification = read(tmp_path, {"images": [{"objectUrl": A}]})
    (path,) = tmp_path.iterdir()
    path.write_text('{"images": [{"objectUrl": "no scheme"}]}')
    with pytest.raises(SourceChangedError):
        drafts(specification)


def test_reading_twice_is_the_same(tmp_path):
    content = {"images": [{"objectUrl": A, "clientMetadata": {"n": n}} for n in range(9000)]}
    specification = read(tmp_path, content)
    assert drafts(specification) == drafts(specification)
    assert [len(batch) for batch in specification.batches()] == [5000, 4000]
    assert found(specification) == []
