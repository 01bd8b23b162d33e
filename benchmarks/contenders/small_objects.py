"""Many small objects of a bucket into one table: ours, one after another, and the requests alone."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import csv, parquet

from benchmarks.contenders import preload
from benchmarks.contenders.ours import _import as import_source
from benchmarks.objects import BUCKET, KEYS, OBJECTS
from benchmarks.task import Task
from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector, S3Keys
from resources.formats.csv import CsvReader, SourceFile
from resources.sources.source import FileSource
from resources.sources.spec import SourceSpec


def objects_to_dataset(task: Task) -> Callable[[], str]:
    """A data source on a bucket of many small objects."""
    preload("boto3", "botocore.auth", "botocore.httpsession")
    spec = SourceSpec(name="bench", connector="bench", path="in/*.csv")
    return import_source(task, FileSource(spec, _bucket(task)), Path(task.out) / "store")


def typed_one_by_one(task: Task) -> Callable[[], str]:
    """The same rows, each object read for itself with the same reader, one after another, into one file."""
    preload("boto3")
    bucket = _bucket(task)
    scratch, path = Path(task.out) / "scratch", Path(task.out) / "rows.parquet"

    def job() -> str:
        tables = []
        for item in bucket.list_objects("in/*.csv"):
            with bucket.local_copy(item, scratch) as copy:
                stream = CsvReader([SourceFile(item.key, copy)]).stream()
                tables.append(pa.Table.from_batches(list(stream), stream.schema))
        rows = pa.concat_tables(tables, promote_options="permissive")
        parquet.write_table(rows, path)
        return str(path)

    return job


def _bucket(task: Task) -> S3Connector:
    settings = S3Settings(endpoint_url=task.objects, region="us-east-1")
    return S3Connector("bench", BUCKET, settings=settings, keys=S3Keys(**KEYS))


def objects_to_nowhere(task: Task) -> Callable[[], str]:
    """All objects of the bucket over 32 connections, thrown away."""
    host = urlsplit(task.objects)
    # moto looks at who asks, not at the signature.
    scope = f"Credential={KEYS['access_key']}/20260101/us-east-1/s3/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}

    def get(numbers: range) -> None:
        connection = http.client.HTTPConnection(host.hostname or "", host.port)
        for number in numbers:
            connection.request("GET", f"/{BUCKET}/in/{number:06}.csv", headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"object {number} was answered with {answer.status}")

    def job() -> str:
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(get, [range(first, OBJECTS, 32) for first in range(32)]))
        return ""

    return job


def boto3_one_by_one(task: Task) -> Callable[[], str]:
    """A loop over the bucket: boto3 gets an object, pyarrow reads it, the next; one file at the end."""
    import boto3

    path = Path(task.out) / "rows.parquet"
    client = boto3.client(
        "s3",
        endpoint_url=task.objects,
        region_name="us-east-1",
        aws_access_key_id=KEYS["access_key"],
        aws_secret_access_key=KEYS["secret_key"],
    )
    options = csv.ParseOptions(newlines_in_values=True)
    as_null = csv.ConvertOptions(strings_can_be_null=True)

    def job() -> str:
        tables = []
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="in/")
        for found in (item for page in pages for item in page["Contents"]):
            body = client.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
            source = io.BytesIO(body)
            tables.append(csv.read_csv(source, parse_options=options, convert_options=as_null))
        rows = pa.concat_tables(tables, promote_options="permissive")
        parquet.write_table(rows, path)
        return str(path)

    return job
