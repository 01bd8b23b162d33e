"""What is read of an item's objects when their bytes are kept: each once, and nothing of a bad one stays."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec
import pytest
from PIL import Image

from assets.collections.looking import ItemFailedError, Looker
from resources.connectors.folder.connector import FolderConnector
from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector, S3Keys
from resources.media.prober import open_prober
from resources.sources.object_urls import ObjectUrls
from resources.stores.catalog.collections.records import StoredItem
from resources.stores.media.store import MediaStore
from tests.resources.media import media_files


def image(width):
    made = io.BytesIO()
    Image.effect_noise((width, 700), 90).save(made, "PNG")
    return made.getvalue()


def item(*urls, kind="image"):
    at = datetime.now(UTC)
    return StoredItem(1, "", kind, "t", urls, "pending", "", 0, 1, 1, at, at)


@pytest.fixture
def sent(monkeypatch):
    """Requests to the bucket, in order."""
    from botocore.httpsession import URLLib3Session

    found: list[str] = []
    send = URLLib3Session.send

    def counted(self, request):
        found.append(f"{request.method} {request.url.rpartition('/')[2]}")
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", counted)
    return found


def test_what_is_kept_is_read_once_and_looked_into_here(s3_server, s3_bucket, tmp_path, sent):
    pictures = {f"{width}.png": image(width) for width in (900, 901)}
    for key, data in {**pictures, "bad.png": b"no image" * 50_000}.items():
        s3_server.client.put_object(Bucket=s3_bucket, Key=key, Body=data)
    keys = S3Keys(s3_server.access_key, s3_server.secret_key)
    bucket = S3Connector("b", s3_bucket, settings=S3Settings(s3_server.url), keys=keys)
    media = MediaStore.open(str(tmp_path / "store"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    urls = [f"s3://{s3_bucket}/{key}" for key in pictures]
    sent.clear()
    with (
        open_prober() as prober,
        ThreadPoolExecutor(4) as files,
        media.writer(("datasets", "x"), run_id="r") as writer,
    ):
        looker = Looker(ObjectUrls([bucket], None, scratch), files, prober, writer, always=True)
        group = looker.look(item(*urls, kind="image_group"))
        assert sorted(sent) == sorted(
            f"{verb} {key}" for key in pictures for verb in ("GET", "HEAD")
        )
        hashes = [hashlib.sha256(data).hexdigest() for data in pictures.values()]
        assert msgspec.json.decode(group.objects) == hashes
        assert msgspec.json.decode(group.media)["num_files"] == 2
        bad = looker.look(item(f"s3://{s3_bucket}/bad.png"))
        gone = looker.look(item(urls[0], f"s3://{s3_bucket}/gone.png", kind="image_group"))
        claim = writer.claim()
    assert (bad.rule, bad.objects) == ("object_type_mismatch", None)
    assert (gone.rule, gone.url) == ("object_not_found", f"s3://{s3_bucket}/gone.png")
    assert claim["media"]["objects"] == 2
    assert list(scratch.iterdir()) == []


def test_each_file_of_a_group_that_is_wrong_is_told_and_no_signature(tmp_path):
    for number, data in enumerate(media_files.series(3)):
        (tmp_path / f"{number}.dcm").write_bytes(data)
    (tmp_path / "other.dcm").write_bytes(media_files.series(1)[0])
    (tmp_path / "a.png").write_bytes(image(9))
    lake = FolderConnector("lake", tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def series(*names):
        return item(*(f"file://{tmp_path}/{name}" for name in names), kind="dicom_series")

    with open_prober() as prober, ThreadPoolExecutor(4) as files:
        looker = Looker(ObjectUrls([lake], None, scratch), files, prober, None, always=True)
        gone = looker.look(series("0.dcm", "x.dcm", "y.dcm"))
        mixed = looker.look(series("0.dcm", "a.png", "a.png"))
        uneven = looker.look(series("0.dcm", "1.dcm", "2.dcm", "2.dcm", "other.dcm"))
        many = looker.look(series(*(f"{n}.gone" for n in range(9))))
        signed = looker.look(item("https://ada:secret@shop.example/a.png?sig=secret"))
    assert [one.rule for one in (gone, mixed)] == ["object_not_found", "object_type_mismatch"]
    assert (gone.message.count("x.dcm"), gone.message.count("y.dcm")) == (1, 1)
    assert mixed.message.count("a.png: Expected a DICOM file") == 2
    assert {name for name in ("2.dcm", "other.dcm") if name in uneven.message} == {"2.dcm", "other.dcm"}  # fmt: skip
    assert many.message.endswith("; and 4 more")
    assert [one.position for one in gone.files] == [1, 2]
    assert [one.url.rpartition("/")[2] for one in many.files] == [f"{n}.gone" for n in range(9)]
    assert {one.rule for one in many.files} == {"object_not_found"}
    assert len({one.position for one in uneven.files}) == len(uneven.files)
    error = ItemFailedError(signed)
    assert "https://shop.example/a.png" in str(error)
    assert "secret" not in f"{error}{error.facts}"
