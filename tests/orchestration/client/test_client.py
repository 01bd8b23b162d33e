"""`waybill.Client` against a server: rows and files there and back, runs waited for, every error as its own class."""

from __future__ import annotations

import datetime as dt
import socket
import sqlite3
import threading
import zipfile
from contextlib import contextmanager
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import waybill

from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ConnectorUnavailableError,
    InputError,
    InUseError,
    NotFoundError,
    UnknownNameError,
    WaybillError,
)
from tests.served import served

YAML = """
type: resources.FolderConnector
attributes: {name: files, root: inbox}
---
type: assets.Datasource
attributes: {name: orders_files, connector: files, path: "orders/*.csv"}
---
type: assets.Datasource
attributes: {name: bad_files, connector: files, path: "bad/*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders_files, refresh: manual}
---
type: assets.Dataset
attributes: {name: broken, datasource: bad_files, refresh: manual}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.Exporter
attributes: {name: orders_out, dataset: orders, connector: warehouse, table: orders, mode: overwrite}
"""
ORDERS = "id,amount,note\n1,-1.5,plain\n2,2.5,=1+1\n"
BAD = "id,amount\n1,2.5\n2,3,4,5\n"
ROWS = pa.table({
    "whole": pa.array([1, None, 2**53 + 1], pa.int64()),
    "price": pa.array([Decimal("0.10"), None, Decimal("-12345678901234.99")], pa.decimal128(16, 2)),
    "at": pa.array(
        [dt.datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=dt.UTC), None, dt.datetime(1969, 12, 31, tzinfo=dt.UTC)],
        pa.timestamp("us", "UTC"),
    ),
    "text": pa.array(["Zürich, \"x\"\n", "", None], pa.string()),
})  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    for name, text in {"orders": ORDERS, "bad": BAD}.items():
        inbox = folder / "home" / "inbox" / name
        inbox.mkdir(parents=True)
        (inbox / "1.csv").write_text(text)
    sqlite3.connect(folder / "home" / "warehouse.sqlite").close()
    with served(folder, {"orders/defs.yaml": YAML}, daemon=True) as found:
        waybill.Client(found.url).datasets["orders"].refresh().wait()
        yield found


@pytest.fixture
def client(shop):
    return waybill.Client(shop.url)


def test_the_only_project_is_found_and_others_are_unknown(shop, client):
    assert client.project == shop.name
    with pytest.raises(UnknownNameError, match="shop"):
        next(waybill.Client(shop.url, project="shp").datasets.list())


def test_a_data_frame_comes_back_as_it_was_and_a_second_is_the_next_version(client):
    frame = ROWS.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    sent = client.datasets.upload(frame, name="frame")
    assert sent.status == "ready"
    assert sent.to_arrow().select(ROWS.column_names).to_pydict() == ROWS.to_pydict()
    found = sent.to_pandas()
    assert found["whole"].dtype == pd.Int64Dtype()
    assert found["whole"].tolist() == [1, pd.NA, 2**53 + 1]
    client.datasets.upload(ROWS.slice(0, 1), name="frame")
    assert [version.version for version in sent.versions()] == [2, 1]
    assert (len(sent.to_arrow()), len(sent.to_arrow(version=1))) == (1, 3)


def test_files_are_uploaded_and_named_columns_renamed(client, tmp_path):
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for number, file in enumerate(files):
        file.write_text(f"id;amount\n{number};2,5\n")
    sent = client.datasets.upload(
        files,
        name="from_files",
        format="csv",
        options={"separator": ";", "decimal_mark": ","},
        rename={"amount": "eur"},
    )
    rows = sent.to_arrow().select(["id", "eur"]).to_pylist()
    assert sorted(rows, key=lambda row: row["id"]) == [{"id": 0, "eur": 2.5}, {"id": 1, "eur": 2.5}]


def test_a_bad_file_is_the_sender_s_error_with_file_and_row(client, tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text(BAD)
    with pytest.raises(InputError, match=r"bad\.csv.*3"):
        client.datasets.upload(file, name="bad")
    with pytest.raises(InputError, match="nothing"):
        client.datasets.upload([], name="bad")


def test_the_list_is_filtered_and_paged_without_gaps(client):
    names = [found.name for found in client.datasets.list(limit=1)]
    assert names == sorted(names)
    assert {"orders", "broken"} <= set(names)
    pending = client.datasets.list(status=["pending", "failed"], origin=["datasource"])
    assert [found.name for found in pending] == ["broken"]
    assert [found.name for found in client.datasets.list(q="RDER")] == ["orders"]
    with pytest.raises(InputError):
        next(client.datasets.list(status="x"))


def test_a_version_in_three_formats(client, tmp_path):
    orders = client.datasets["orders"]
    text = orders.download(tmp_path / "orders.csv").read_text()
    assert text.splitlines()[2] == '2,2.5,"\'=1+1"'
    assert orders.download(tmp_path / "raw.csv", raw=True).read_text().endswith(',"=1+1"\n')
    with zipfile.ZipFile(orders.download(tmp_path, format="zip")) as archive:
        assert archive.read("orders-v1.csv").decode() == text
    assert (tmp_path / "orders-v1.zip").is_file()
    assert len(pq.read_table(orders.download(tmp_path / "o.parquet", format="parquet"))) == 2
    with pytest.raises(InputError):
        orders.download(tmp_path / "x", format="pdf")
    assert not (tmp_path / "x").exists()


@contextmanager
def cutting(answer: bytes):
    """A server that hangs up behind `answer`, whatever is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            line, _ = listener.accept()
            with line:
                line.recv(65536)
                line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nid,amount\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nid,amount\n\r\n",
    ],
)
def test_a_download_that_is_cut_leaves_no_file_and_the_old_one(tmp_path, answer):
    file = tmp_path / "orders.csv"
    file.write_text("old")
    with cutting(answer) as url, pytest.raises(ConnectorUnavailableError, match="cut off"):
        waybill.Client(url, project="shop").datasets["orders"].download(file)
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [
        ("orders.csv", "old")
    ]


def test_a_run_that_fails_raises_with_its_reason(client):
    run = client.datasets["broken"].refresh()
    with pytest.raises(InputError, match=r"1\.csv.*3") as caught:
        run.wait()
    assert caught.value.facts["run_id"] == run.id
    assert [found.run_id for found in client.runs.list(state="failed")][:1] == [run.id]
    with pytest.raises(ConflictError):
        run.cancel()


def test_the_same_key_is_the_same_run(client):
    runs = [client.datasets["orders"].refresh(key="once") for _ in range(2)]
    assert runs[0].id == runs[1].id
    assert runs[0].wait().summary.run_id == runs[0].id


def test_an_export_arrives(shop, client):
    assert client.exporters.run("orders_out").wait().summary.state == "done"
    client.datasets["orders"].export("orders_out").wait()
    with sqlite3.connect(shop.home.root / "warehouse.sqlite") as database:
        rows = database.execute("select id, amount, note from orders order by id").fetchall()
    database.close()
    assert rows == [(1, -1.5, "plain"), (2, 2.5, "=1+1")]
    history = list(client.exporters.history(exporter="orders_out"))
    assert [(export.status, export.rows) for export in history] == [("done", 2)] * 2
    assert [found.name for found in client.exporters.list()] == ["orders_out"]


def test_a_connector_is_made_tested_changed_and_deleted(shop, client):
    (shop.home.root / "lake").mkdir()
    made = client.connectors.create("lake", type="resources.FolderConnector", root="lake")
    assert made["is_written"]
    assert client.connectors.test("lake").ok
    assert {found.name for found in client.connectors.list()} == {"files", "lake", "warehouse"}
    assert [entry.name for entry in client.connectors.browse("files").entries] == ["bad", "orders"]
    assert "inbox" in client.connectors.edit("lake", root="inbox")["after"]
    client.connectors.delete("lake")
    assert "lake" not in {found.name for found in client.connectors.list()}
    with pytest.raises(InUseError, match="orders_files"):
        client.connectors.delete("files")
    with pytest.raises(InputError, match="no_such"):
        client.connectors.create("x", type="resources.FolderConnector", root="x", no_such=1)


def test_a_data_source_is_looked_at(client):
    found = client.datasources.test("orders_files", rows=1)
    assert (found.ok, found.rows) == (True, [[1, -1.5, "plain"]])
    assert {found.name for found in client.datasources.list()} == {"orders_files", "bad_files"}


def test_rows_are_asked_for_by_sql(client):
    assert client.query("select sum(amount) as total from orders").to_pydict() == {"total": [1.0]}
    with pytest.raises(InputError, match="expected one SELECT"):
        client.query("drop table orders")


def test_a_dataset_is_renamed_and_removed(client):
    sent = client.datasets.upload(ROWS, name="short_lived")
    assert sent.rename(title="Short <b>lived</b>").title == "Short <b>lived</b>"
    assert sent.show().summary.title == "Short <b>lived</b>"
    assert sent.remove().versions == (1,)
    with pytest.raises(NotFoundError):
        sent.to_arrow()


def test_what_is_not_there_or_not_a_server_is_said(client, tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'orders'"):
        client.datasets["order"].show()
    with pytest.raises(NotFoundError):
        client.datasets["orders"].to_arrow(version=99)
    with pytest.raises(UnknownNameError):
        client.datasets["x?y#z%"].show()
    with pytest.raises(NotFoundError):
        client.datasets["../connectors"].show()
    with pytest.raises(NotFoundError):
        client.runs["0" * 36].show()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ConnectorUnavailableError, match="does not answer"):
        waybill.Client(address, project="x").datasets["y"].refresh()
    with (
        cutting(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as url,
        pytest.raises(WaybillError, match="404"),
    ):
        waybill.Client(url, project="x").datasets["y"].show()


def test_a_server_without_projects_says_so():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    with cutting(answer) as url, pytest.raises(ConfigError, match="no project"):
        _ = waybill.Client(url).project
