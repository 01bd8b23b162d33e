"""Connectors of files in YAML: what can be seen to be wrong is refused at load, with its line, and shown to nobody."""

import pytest

from tests.assets.loading import told_by_loading

FTP = "type: resources.FtpConnector\nattributes:\n  name: place\n"
SFTP = "type: resources.SftpConnector\nattributes:\n  name: place\n  username: u\n"
S3 = "type: resources.S3Connector\nattributes:\n  name: place\n"
GCS = "type: resources.GcsConnector\nattributes:\n  name: place\n"
FOLDER = "type: resources.FolderConnector\nattributes:\n  name: place\n"
WRONG = {
    "a port that is none": (FTP + "  host: h\n  port: 99999", "`port: 99999` is not a port", 5),
    "an address with a password": (FTP + "  host: ftp://u:canary-pw@h/x", "`host:` must be the name", 4),
    "no silence allowed": (FTP + "  host: h\n  timeout_seconds: 0", "`timeout_seconds:` must be more", 5),
    "no connection allowed": (FTP + "  host: h\n  connections: 0", "`connections:` must be 1 to", 5),
    "a root that leads out": (FTP + "  host: h\n  root: ../x", "`root:`", 5),
    "TLS and none": (FTP + "  host: h\n  tls: implicit\n  insecure_plain_ftp: true", "exclude each other", 6),
    "an authority without TLS": (FTP + "  host: h\n  ca_file: a\n  insecure_plain_ftp: true", "means nothing with", 5),
    "a host key that is none": (SFTP + "  host: h\n  host_key: hello", "neither a fingerprint nor", 6),
    "two host keys": (SFTP + "  host: h\n  host_key: SHA256:x\n  known_hosts: k", "exclude each other", 7),
    "two private keys": (SFTP + "  host: h\n  private_key: {env: X}\n  private_key_file: k", "exclude each other", 6),
    "an SFTP address with a password": (SFTP + "  host: u:canary-pw@h", "`host:` must be the name", 5),
    "half a pair of keys": (S3 + "  bucket: b\n  access_key: {env: A}", "`secret_key:` is missing", 2),
    "keys and a profile": (S3 + "  bucket: b\n  profile: p\n  access_key: {env: A}\n  secret_key: {env: B}", "`profile:`", 5),
    "an address for a bucket": (S3 + "  bucket: s3://canary-pw@b/x", "`bucket:` must be the name", 4),
    "an endpoint with a password": (S3 + "  bucket: b\n  endpoint_url: http://u:canary-pw@h", "`endpoint_url:` is not", 5),
    "a prefix that leads out": (S3 + "  bucket: b\n  prefix: ../x", "`prefix:`", 5),
    "two kinds of credentials": (GCS + "  bucket: b\n  anonymous: true\n  credentials_file: k", "are given", 6),
    "an endpoint without a scheme": (GCS + "  bucket: b\n  endpoint_url: localhost:99", "`endpoint_url:` is not", 5),
    "no bucket": (GCS + "  bucket: ''", "`bucket:` must be the name", 4),
    "the project's own folder": (FOLDER + "  root: ''", "`root:` is empty", 4),
}  # fmt: skip


@pytest.mark.parametrize(("yaml", "said", "line"), WRONG.values(), ids=WRONG)
def test_it_is_refused_at_load_with_its_line(yaml, said, line):
    told = told_by_loading(yaml)
    assert said in told
    assert f"defs.yaml:{line}: " in told
    assert "canary-pw" not in told
