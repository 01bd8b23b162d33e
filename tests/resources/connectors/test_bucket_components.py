"""The YAML and Dagster faces of the connectors for buckets."""

from __future__ import annotations

import pytest

from resources.connectors.gcs.component import GcsConnectorResource
from resources.connectors.gcs.connector import GcsConnector
from resources.connectors.s3.component import S3ConnectorResource
from resources.connectors.s3.connector import S3Connector
from tests.assets.loading import told_by_loading
from tests.project import project

GCS = """
type: resources.GcsConnector
attributes:
  name: lake
  bucket: landing
  credentials_json: {secret}
"""
S3 = """
type: resources.S3Connector
attributes:
  name: lake
  bucket: landing
  access_key: {{env: KEY}}
  secret_key: {{env: SECRET}}
  session_token: {secret}
"""
BOTH = pytest.mark.parametrize("yaml", [GCS, S3], ids=["gcs", "s3"])


@BOTH
@pytest.mark.parametrize("given", ["canary-literal", "'{{ env.CANARY }}'"])
def test_a_literal_secret_is_refused_and_not_repeated(yaml, given):
    told = told_by_loading(yaml.format(secret=given))
    assert "must name an environment variable" in told
    assert "canary-literal" not in told


@BOTH
def test_it_loads_without_the_variable(yaml):
    with project(yaml.format(secret="{env: NOT_SET_ANYWHERE}")):
        pass


def test_gcs_fields_reach_the_connector(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    resource = GcsConnectorResource(
        connector_name="lake",
        bucket="landing",
        prefix="in/",
        project="payer",
        endpoint_url="http://127.0.0.1:1/",
        credentials_file="key.json",
    )
    connector = resource.connect()
    assert isinstance(connector, GcsConnector)
    assert (connector.bucket, connector.prefix) == ("landing", "in")
    settings = connector.settings
    assert (settings.project, settings.base) == ("payer", "http://127.0.0.1:1")
    assert settings.credentials_file == str(tmp_path / "key.json")
    place = resource.place({"bucket": "landing", "prefix": "in/"})
    assert (place.kind, place.target) == ("gcs", "gs://landing/in/")


def test_s3_fields_reach_the_connector():
    resource = S3ConnectorResource(
        connector_name="lake",
        bucket="landing",
        endpoint_url="http://127.0.0.1:1/",
        region="eu-central-1",
        profile="loader",
        requester_pays=True,
    )
    connector = resource.connect()
    assert isinstance(connector, S3Connector)
    settings = connector.settings
    assert (settings.endpoint_url, settings.region, settings.profile) == (
        "http://127.0.0.1:1",
        "eu-central-1",
        "loader",
    )
    assert connector.about("x") == {"Bucket": "landing", "Key": "x", "RequestPayer": "requester"}
