"""dlt over a bucket of many small objects, by its `filesystem` source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.contenders.peers_dlt import _ARROW, _import_dlt, _to_parquet
from benchmarks.objects import BUCKET, KEYS
from benchmarks.task import Task


def objects_by_filesystem(task: Task) -> Callable[[], str]:
    """`filesystem` over the bucket with dlt's `read_csv`."""
    dlt = _import_dlt(task, *_ARROW, "s3fs")
    from dlt.common.configuration.specs import AwsCredentials  # type: ignore[import-not-found]  # peers only
    from dlt.sources.filesystem import filesystem, read_csv  # type: ignore[import-not-found]  # peers only

    credentials = AwsCredentials(
        aws_access_key_id=KEYS["access_key"],
        aws_secret_access_key=KEYS["secret_key"],
        endpoint_url=task.objects,
        region_name="us-east-1",
    )

    def flights() -> Any:
        files = filesystem(
            bucket_url=f"s3://{BUCKET}/in", file_glob="*.csv", credentials=credentials
        )
        rows = (files | read_csv()).with_name("flights")
        rows.apply_hints(write_disposition="replace")
        return rows

    return _to_parquet(dlt, task, flights)
