"""The demo's definitions, unchanged, against PostgreSQL and S3: only variables differ. No secret is left anywhere."""

import os
from pathlib import Path

import pytest

from resources.connectors.sql import SqlConfig
from tests.e2e.thinned_flights import departed, packed, thinned_months
from tests.e2e.warm import WarmCommands
from tests.servers.postgres import PostgresServer
from tests.servers.s3 import S3Server

CANARY = "canaryKey7Q2wSecret"
DECEMBER = "flights/2013-12.csv.gz"

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.timeout(900)]


@pytest.fixture
def environment(
    tmp_path: Path,
    postgres_server: PostgresServer,
    postgres_config: SqlConfig,
    s3_server: S3Server,
    s3_bucket: str,
) -> dict[str, str]:
    """What an operator sets; the database's password and the bucket's key are canaries."""
    postgres_server.execute(
        f"create role canary login superuser password '{CANARY}'", database=postgres_config.database
    )
    return os.environ | {
        "WAYBILL_HOME": str(tmp_path / "home"),
        "DAGSTER_HOME": str(tmp_path / "home" / "dagster"),
        "WAYBILL_STORE": f"s3://{s3_bucket}/store",
        "AWS_ENDPOINT_URL": s3_server.url,
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": CANARY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "DEMO_LAKE": "lake_s3",
        "DEMO_S3_BUCKET": s3_bucket,
        "DEMO_S3_ENDPOINT": s3_server.url,
        "DEMO_LANDING": "landing_postgres",
        "DEMO_WAREHOUSE": "warehouse_postgres",
        "DEMO_PG_HOST": str(postgres_config.host),
        "DEMO_PG_PORT": str(postgres_config.port),
        "DEMO_PG_DATABASE": str(postgres_config.database),
        "DEMO_PG_USER": "canary",
        "DEMO_PG_PASSWORD": CANARY,
    }


def test_the_demo_runs_on_postgresql_and_s3(
    environment, postgres_server, postgres_config, s3_server, s3_bucket, tmp_path
):
    months = thinned_months(12)
    for key, lines in months.items():
        if key != DECEMBER:  # lands whole; the others are there already
            s3_server.client.put_object(Bucket=s3_bucket, Key=key, Body=packed(lines))
    with WarmCommands(environment, tmp_path) as commands:
        done = commands.run(["demo"], environment, tmp_path)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert_commands_keep_the_secret(commands, environment, tmp_path)

    def rows(table: str) -> int:
        found = postgres_server.execute(
            f'select count(*) from "{table}"', database=postgres_config.database
        )
        return int(str(found[0][0]))

    tables = [
        str(name)
        for (name,) in postgres_server.execute(
            "select table_name from information_schema.tables where table_schema = 'public'",
            database=postgres_config.database,
        )
    ]
    assert rows("predicted_delays") == len(departed(months))
    history = [name for name in tables if name.startswith("airline_delays_2")]
    assert [rows(name) for name in history] == [16]
    assert not [name for name in tables if name.startswith("_stg_")]

    keys = [
        item["Key"]
        for page in s3_server.client.get_paginator("list_objects_v2").paginate(Bucket=s3_bucket)
        for item in page.get("Contents", [])
    ]
    assert DECEMBER in keys
    assert any(key.startswith("store/datasets/flights/v/") for key in keys)

    assert CANARY not in done.stdout + done.stderr
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def assert_commands_keep_the_secret(
    commands: WarmCommands, environment: dict[str, str], folder: Path
) -> None:
    """F038: whatever is asked about connectors and data sources, and whether or not they answer."""
    wrong = environment | {"DEMO_PG_PASSWORD": f"wrong{CANARY}"}
    questions = [
        (0, environment, "connector list --json"),
        (0, environment, "connector test lake_s3 --json"),
        (0, environment, "connector test warehouse_postgres --json"),
        (1, wrong, "connector test warehouse_postgres --json"),
        (0, environment, "connector browse lake_s3 flights --json"),
        (0, environment, "datasource test flights_landing --rows 2 --json"),
        (1, wrong, "datasource test airlines_table --json"),
    ]
    for code, variables, command in questions:
        done = commands.run(command.split(), variables, folder)
        assert done.returncode == code, (command, done.stdout, done.stderr)
        assert CANARY not in done.stdout + done.stderr, command
