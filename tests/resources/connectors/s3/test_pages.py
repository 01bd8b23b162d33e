"""Pages of a listing read from XML directly: the same as botocore reads, or left to it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from resources.connectors.files.buckets import PageRequest
from resources.connectors.s3.pages import page_query, parse_page

OBJECT = (
    "<Contents><Key>a%20b/%E2%9C%88%2B.csv</Key><LastModified>2026-11-21T10:11:12.345Z</LastModified>"
    "<ETag>&quot;d41d8-2&quot;</ETag><Size>12345678901</Size><StorageClass>STANDARD</StorageClass>"
    "<Owner><ID>x</ID></Owner></Contents>"
)


def page(
    body: str,
    *,
    space: str = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"',
    truncated: str = "false",
    encoding: str = "<EncodingType>url</EncodingType>",
) -> bytes:
    text = f"<ListBucketResult{space}><Name>b</Name>{encoding}<IsTruncated>{truncated}</IsTruncated>{body}</ListBucketResult>"
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


@pytest.mark.parametrize("space", ["", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'])
def test_objects_and_folders(space):
    found = parse_page(
        page(OBJECT + "<CommonPrefixes><Prefix>a%20b/c/</Prefix></CommonPrefixes>", space=space)
    )
    (item,) = found.objects
    assert (item.key, item.size_bytes, item.etag) == ("a b/✈+.csv", 12345678901, "d41d8-2")
    assert item.modified_at == datetime(2026, 11, 21, 10, 11, 12, 345000, tzinfo=UTC)
    assert found.folders == ["a b/c/"]
    assert found.next_token == ""


def test_keys_that_are_not_quoted_stay_as_they_are():
    (item,) = parse_page(page(OBJECT, encoding="")).objects
    assert item.key == "a%20b/%E2%9C%88%2B.csv"


def test_the_next_page():
    token = "<NextContinuationToken>t/+=</NextContinuationToken>"
    assert parse_page(page(token, truncated="true")).next_token == "t/+="
    assert parse_page(page(token)).next_token == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no XML",
        b"<Error><Code>AccessDenied</Code></Error>",
        page(OBJECT)[:-30],
        page("", truncated="true"),
        page("", truncated="perhaps"),
        page(OBJECT.replace("12345678901", "many")),
        page(OBJECT.replace("<Size>12345678901</Size>", "")),
        page(OBJECT.replace("2026-11-21T10:11:12.345Z", "2026-11-21T10:11:12")),
        page(OBJECT.replace("2026-11-21T10:11:12.345Z", "Thu, 01 Jan 2026 00:00:00 GMT")),
    ],
    ids=range(10),
)
def test_what_is_odd_is_left_to_botocore(body):
    assert parse_page(body) is None


def test_the_query_is_in_order_and_quoted():
    request = PageRequest("a b/", after="a b/é&c", by_folder=True, limit=7, token="x+/=")
    assert page_query(request, 1000) == (
        "continuation-token=x%2B%2F%3D&delimiter=%2F&encoding-type=url&list-type=2&max-keys=7"
        "&prefix=a%20b%2F&start-after=a%20b%2F%C3%A9%26c"
    )
