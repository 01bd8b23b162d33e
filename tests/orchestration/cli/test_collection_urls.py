"""Items by the URLs of each kind of server, from their declaration to what became of them: taken, missing, forbidden."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack, contextmanager

import boto3
import dagster as dg
import pytest
from moto import settings as moto_settings
from moto.core.responses import ActionAuthenticatorMixin
from PIL import Image
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from tests.project import project
from tests.servers import ftp, sftp
from tests.servers.certificates import make_certificates
from tests.servers.gcs import gcs_server, refusal
from tests.servers.gcs_emulator import gcs_emulator

__all__ = ["gcs_emulator", "gcs_server"]

YAML = """
type: resources.S3Connector
attributes:
  name: bucket
  bucket: {s3_bucket}
  endpoint_url: {s3}
  region: us-east-1
  access_key: {{env: LOADER_KEY}}
  secret_key: {{env: LOADER_SECRET}}
---
type: resources.GcsConnector
attributes: {{name: archive, bucket: {gcs_bucket}, endpoint_url: "{gcs}", anonymous: true}}
---
type: resources.GcsConnector
attributes: {{name: emulated, bucket: {emulated_bucket}, endpoint_url: "{emulator}", anonymous: true}}
---
type: resources.SftpConnector
attributes: {{name: partner, host: 127.0.0.1, port: {sftp.port}, username: loader, password: {{env: SFTP_PASSWORD}}, host_key: "{sftp.fingerprint}"}}
---
type: resources.FtpConnector
attributes: {{name: plain, host: 127.0.0.1, port: {ftp.port}, username: loader, password: {{env: FTP_PASSWORD}}, insecure_plain_ftp: true}}
---
type: resources.FtpConnector
attributes: {{name: safe, host: localhost, port: {ftps.port}, username: loader, password: {{env: FTP_PASSWORD}}, ca_file: "{authority}"}}
---
type: assets.Collection
attributes: {{name: looked, connectors: [bucket, archive, emulated, partner, plain, safe], probe: always}}
---
type: assets.Collection
attributes: {{name: copies, connectors: [bucket, archive, emulated, partner, plain, safe], keep_copies: true}}
"""
CLOSED = "closed/c.png"
"""A file that is there and that the account may not read."""


def picture(width: int) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, 10)).save(made, "PNG")
    return made.getvalue()


FILES = {"a b.png": picture(31), "bad.png": b"no image at all", CLOSED: picture(32)}


def deny_in_bucket(client, bucket, url):
    """Keys of a user who may read all of a bucket but what is closed."""
    iam = boto3.client(
        "iam",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    iam.create_user(UserName=f"loader-{bucket}")
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::*"]},
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": [f"arn:aws:s3:::{bucket}/closed/*"]},
    ]  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=f"loader-{bucket}", PolicyName="read", PolicyDocument=policy)
    made = iam.create_access_key(UserName=f"loader-{bucket}")["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


@contextmanager
def enforced():
    """moto asks who somebody is, and what they may do, as AWS does."""
    before = moto_settings.INITIAL_NO_AUTH_ACTION_COUNT, ActionAuthenticatorMixin.request_count
    moto_settings.INITIAL_NO_AUTH_ACTION_COUNT, ActionAuthenticatorMixin.request_count = 0, 0
    try:
        yield
    finally:
        moto_settings.INITIAL_NO_AUTH_ACTION_COUNT, ActionAuthenticatorMixin.request_count = before


def deny_in_archive(request):
    """What Google Cloud Storage says to an account without the right."""
    if "closed" not in request.path:
        return None
    words = "loader@shop.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object."
    return refusal(403, "forbidden", words)


@pytest.fixture(scope="module")
def authority(ftp_certificates, tmp_path_factory):
    """Whom the connector `safe` trusts."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    path.write_bytes(ftp_certificates.ca.read_bytes())
    return path


@pytest.fixture(scope="module")
def homes(s3_server, gcs_server, gcs_emulator, ftp_certificates, authority, tmp_path_factory):
    """What stands before a key, by the name of the connector; the project that names them; its variables."""
    roots = [tmp_path_factory.mktemp(name) for name in ("sftp", "ftp", "ftps")]
    s3_bucket, gcs_bucket, emulated = (
        one.new_bucket() for one in (s3_server, gcs_server, gcs_emulator)
    )
    for key, data in FILES.items():
        s3_server.client.put_object(Bucket=s3_bucket, Key=key, Body=data)
        gcs_server.put(gcs_bucket, key, data)
        gcs_emulator.put(emulated, key, data)
        for root in roots:
            (root / key).parent.mkdir(exist_ok=True)
            (root / key).write_bytes(data)
    with ExitStack() as stack:
        sftp_server = stack.enter_context(sftp.running_sftp(roots[0]))
        plain = stack.enter_context(ftp.running_ftp(roots[1]))
        safe = stack.enter_context(ftp.running_ftp(roots[2], "explicit", ftp_certificates))
        sftp_server.closed.add(f"/{CLOSED}".encode())
        for server in (plain, safe):
            server.authorizer.override_perm(ftp.USERNAME, str(server.root / "closed"), "el")
        gcs_server.before = deny_in_archive
        key, secret = deny_in_bucket(s3_server.client, s3_bucket, s3_server.url)
        yaml = YAML.format(
            s3=s3_server.url,
            s3_bucket=s3_bucket,
            gcs=gcs_server.url,
            gcs_bucket=gcs_bucket,
            emulator=gcs_emulator.url,
            emulated_bucket=emulated,
            sftp=sftp_server,
            ftp=plain,
            ftps=safe,
            authority=authority,
        )
        variables = {
            "LOADER_KEY": key,
            "LOADER_SECRET": secret,
            "SFTP_PASSWORD": sftp.PASSWORD,
            "FTP_PASSWORD": ftp.PASSWORD,
        }
        found = {
            "bucket": f"s3://{s3_bucket}/",
            "archive": f"gs://{gcs_bucket}/",
            "emulated": f"gs://{emulated}/",
            "partner": f"sftp://loader@127.0.0.1:{sftp_server.port}/",
            "plain": f"ftp://127.0.0.1:{plain.port}/",
            "safe": f"ftps://localhost:{safe.port}/",
        }
        stack.enter_context(enforced())
        yield found, stack.enter_context(project(yaml)), variables


@pytest.fixture
def waybill(homes, tmp_path, monkeypatch):
    _, definitions, variables = homes
    for name, value in {"WAYBILL_HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def command(*arguments, code=0):
            context = CommandContext(Location(definitions), instance)
            result = CliRunner().invoke(app, ["collection", *arguments], obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result.output

        yield command


@pytest.mark.parametrize("collection", ["looked", "copies"])
def test_items_of_each_kind_of_server_are_taken_missing_or_forbidden(
    waybill, homes, tmp_path, collection
):
    given, wanted = [], {}
    for home in homes[0].values():
        for key, rule in (("a%20b.png", ""), ("bad.png", "object_type_mismatch"), ("gone.png", "object_not_found"), (CLOSED, "object_forbidden")):  # fmt: skip
            given.append({"objectUrl": home + key, "title": home + key})
            wanted[home + key] = rule
    wanted[homes[0]["emulated"] + CLOSED] = ""  # it knows no rights
    (tmp_path / "all.json").write_text(json.dumps({"images": given}))
    file = str(tmp_path / "all.json")
    waybill("import", file, "--collection", collection, "--ignore-errors", "--json")
    items = json.loads(waybill("items", collection, "--limit", "100", "--json"))["items"]
    assert {item["title"]: item["rule"] for item in items} == wanted


def states(waybill):
    items = json.loads(waybill("items", "looked", "--json"))["items"]
    return [(item["state"], item["rule"]) for item in items]


WRONG = {
    "bucket": {"LOADER_SECRET": "another secret"},
    "partner": {"SFTP_PASSWORD": "wrong"},
    "plain": {"FTP_PASSWORD": "wrong"},
}
REASONS = {
    "bucket": "the secret key does not fit the access key",
    "partner": "the password or the key was refused",
    "plain": "the password was refused",
}


@pytest.mark.parametrize("place", ["bucket", "partner", "plain"])
def test_a_sign_in_that_is_refused_ends_the_import_and_it_goes_on_once_it_is_right(
    waybill, homes, tmp_path, monkeypatch, place
):
    found, _, variables = homes
    urls = [found[place] + key for key in ("a%20b.png", "gone.png", CLOSED)]
    (tmp_path / "all.json").write_text(json.dumps({"images": [{"objectUrl": url} for url in urls]}))
    for name, value in WRONG[place].items():
        monkeypatch.setenv(name, value)
    file = str(tmp_path / "all.json")
    told = waybill("import", file, "--collection", "looked", "--ignore-errors", code=1)
    assert REASONS[place] in " ".join(told.split())

    assert states(waybill) == [("pending", "")] * 3
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    waybill("resume", "1", "--ignore-errors")
    assert states(waybill) == [("ready", ""), ("failed", "object_not_found"), ("failed", "object_forbidden")]  # fmt: skip


def test_a_server_that_is_not_trusted_ends_the_import_and_it_goes_on_once_it_is(
    waybill, homes, authority, tmp_path
):
    found, _, _ = homes
    urls = [found["safe"] + key for key in ("a%20b.png", "gone.png")]
    (tmp_path / "all.json").write_text(json.dumps({"images": [{"objectUrl": url} for url in urls]}))
    trusted = authority.read_bytes()
    authority.write_bytes(make_certificates(tmp_path).ca.read_bytes())
    file = str(tmp_path / "all.json")
    told = waybill("import", file, "--collection", "looked", "--ignore-errors", code=1)
    assert "its TLS certificate is not trusted" in " ".join(told.split())

    assert states(waybill) == [("pending", "")] * 2
    authority.write_bytes(trusted)
    waybill("resume", "1", "--ignore-errors")
    assert states(waybill) == [("ready", ""), ("failed", "object_not_found")]
