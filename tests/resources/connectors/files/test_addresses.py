from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.connectors.files.addresses import (
    BucketAddresses,
    ServerAddresses,
    escaped,
    unescaped,
)
from resources.connectors.folder.connector import FolderConnector
from resources.connectors.ftp.connector import FtpConnector
from resources.connectors.ftp.settings import FtpSettings
from resources.connectors.gcs.connector import GcsConnector
from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector

HOMES = ["s3://Bucket/", "https://s3.amazonaws.com/Bucket/"]


@given(st.text())
def test_what_is_escaped_comes_back(key):
    url = escaped(key)
    assert not any(c.isspace() or not c.isprintable() for c in url)
    assert unescaped(url) == key


@pytest.mark.parametrize(
    ("url", "prefix", "key"),
    [
        ("s3://Bucket/a/b.png", "", "a/b.png"),
        ("S3://Bucket/a/b.png", "", "a/b.png"),
        ("s3://bucket/a/b.png", "", None),
        ("s3://Bucket2/a", "", None),
        ("s3://Bucket/", "", None),
        ("s3://Bucket", "", None),
        ("s3://Bucket/a%20b.png?x#y", "", "a b.png?x#y"),
        ("s3://Bucket/100%.png", "", "100%.png"),
        ("s3://Bucket/%ff.png", "", "%ff.png"),
        ("s3://Bucket/raw/a.png", "raw", "a.png"),
        ("s3://Bucket/raw2/a.png", "raw", None),
        ("s3://Bucket/raw/", "raw", None),
        ("HTTPS://S3.amazonaws.com/Bucket/a.png", "", "a.png"),
        ("https://s3.amazonaws.com.evil.example/Bucket/a.png", "", None),
        ("https://s3.amazonaws.com/Bucket/a%3Fx%23y.png", "", "a?x#y.png"),
        ("https://s3.amazonaws.com/Bucket/a.png?X-Amz-Signature=1", "", None),
    ],
)
def test_keys_in_a_bucket(url, prefix, key):
    assert BucketAddresses(HOMES, prefix).key_of(url) == key


@pytest.mark.parametrize(
    ("url", "root", "key"),
    [
        ("sftp://files.example.com/in/a.png", "", "in/a.png"),
        ("SFTP://FILES.example.com:22/in/a.png", "", "in/a.png"),
        ("sftp://loader@files.example.com/in/a.png", "", "in/a.png"),
        ("sftp://other@files.example.com/in/a.png", "", None),
        ("sftp://loader:secret@files.example.com/in/a.png", "", None),
        ("sftp://loader:@files.example.com/in/a.png", "", None),
        ("sftp://files.example.com:2222/in/a.png", "", None),
        ("sftp://files.example.com/in/a.png", "/in", "a.png"),
        ("sftp://files.example.com/out/a.png", "/in", None),
        ("sftp://files.example.com/what%3F?.png#1", "", "what??.png#1"),
        ("sftp://files.example.com", "", None),
        ("ftp://files.example.com/in/a.png", "", None),
        ("sftp://[::1/a", "", None),
        ("sftp://files.example.com:70000/a", "", None),
    ],
)
def test_keys_on_a_server(url, root, key):
    addresses = ServerAddresses(("sftp",), "files.example.com", 22, "loader", root)
    assert addresses.key_of(url) == key


def test_addresses_of_the_services_themselves_lead_into_a_bucket():
    lake = S3Connector("lake", "lake", "raw", settings=S3Settings(region="eu-west-3"))
    for url in (
        "s3://lake/raw/a.png",
        "https://lake.s3.eu-west-3.amazonaws.com/raw/a.png",
        "https://lake.s3.amazonaws.com/raw/a.png",
        "https://s3.eu-west-3.amazonaws.com/lake/raw/a.png",
    ):
        assert lake.addresses.key_of(url) == "a.png"
    assert lake.addresses.key_of("https://lake.s3.eu-west-1.amazonaws.com/raw/a.png") is None
    own = S3Connector("own", "lake", settings=S3Settings(endpoint_url="http://minio:9000"))
    assert own.addresses.key_of("http://minio:9000/lake/a.png") == "a.png"
    assert own.addresses.key_of("https://lake.s3.amazonaws.com/a.png") is None
    google = GcsConnector("google", "lake")
    assert google.addresses.key_of("https://storage.googleapis.com/lake/a.png") == "a.png"


def test_a_server_is_named_with_its_port_where_it_is_not_the_usual_one():
    usual = FtpConnector(FtpSettings("files", "files.example.com", root="/in"))
    assert usual.addresses.url_of("a b.png") == "ftp://files.example.com/in/a%20b.png"
    other = FtpConnector(FtpSettings("files", "::1", port=2121))
    assert other.addresses.url_of("a.png") == "ftp://[::1]:2121/a.png"
    assert other.addresses.key_of("ftp://[::1]:2121/a.png") == "a.png"


def test_a_folder_is_known_by_its_link_and_by_itself(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    folder = FolderConnector("lake", tmp_path / "link")
    assert folder.addresses.url_of("a b.png") == f"file://{tmp_path}/link/a%20b.png"
    assert folder.addresses.key_of(f"file://{tmp_path}/link/a%20b.png") == "a b.png"
    assert folder.addresses.key_of(f"file://{tmp_path}/real/a.png") == "a.png"
    assert folder.addresses.key_of(f"file://{tmp_path}/real2/a.png") is None
    assert folder.addresses.key_of(f"file://{tmp_path}/real//etc/passwd") is None
