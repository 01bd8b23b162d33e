"""Uploads over HTTP, by raw requests and by a foreign tus client, from the first byte to the rows of the dataset."""

import base64
import hashlib
import json
import socket
import threading
from dataclasses import asdict
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from typer.testing import CliRunner

from orchestration.cli.main import app
from orchestration.services.access.actor import Actor
from orchestration.services.locks import CODE_LOCK, hold
from orchestration.services.runs.start import Asked
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.pending import PendingImport, PendingImports
from orchestration.services.uploads.settings import UploadSettings
from resources.stores.tables import TableStore
from tests.served import served, wait_until

PRICES = """
type: assets.Dataset
attributes: {name: prices, upload: true, format: csv, options: {separator: ";"}}
---
type: assets.Dataset
attributes: {name: plain, upload: true}
---
type: assets.Dataset
attributes: {name: resumed, upload: true}
---
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: files, connector: lake, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: taken, datasource: files}
"""
DATA = b"id,amount\n1,2.50\n2,10.25\n"
LIMIT = 50_000_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    variables = {"WAYBILL_UPLOAD_LIMIT": str(LIMIT)}
    with served(
        tmp_path_factory.mktemp("shop"),
        {"prices/defs.yaml": PRICES},
        daemon=True,
        variables=variables,
    ) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as client:  # as a browser says it; forms need it
        yield client


@pytest.fixture
def uploads(shop):
    return f"/api/v1/projects/{shop.name}/uploads"


def announce(client, uploads, size: int, name: str = "day.csv", **headers) -> httpx.Response:
    metadata = f"filename {base64.b64encode(name.encode()).decode()}".strip()
    given = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": metadata}
    return client.post(uploads, headers=given | headers)


def send(client, place: str, offset: int, data: bytes, **headers) -> httpx.Response:
    given = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
    }
    return client.patch(place, headers=given | headers, content=data)


def upload(client, uploads, data: bytes = DATA, name: str = "day.csv") -> str:
    answer = client.post(uploads, files={"file": (name, data)})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def bring_in(client, uploads, upload_id: str, name: str, **order) -> dict:
    """Imports, and waits until the run was started."""
    answer = client.post(f"{uploads}/{upload_id}/import", json={"name": name, **order})
    assert answer.status_code == 202, answer.text

    def state() -> dict:
        return client.get(f"{uploads}/{upload_id}").json()

    wait_until(lambda: state()["phase"] in ("started", "failed"))
    return {**answer.json(), **state()}


def rows_of(shop, name: str) -> list[dict]:
    store = TableStore.open(str(shop.home.root / "store"))
    wait_until(lambda: store.item(("datasets", name)).numbers())
    return store.read(("datasets", name)).to_table().to_pylist()


def test_limits_are_told_before_anything_is_sent(client, uploads):
    found = client.get(f"{uploads}/limits").json()
    assert (found["max_bytes"], found["piece_bytes"]) == (LIMIT, 8_000_000)
    discovery = client.options(uploads)
    assert discovery.status_code == 204
    assert discovery.headers["tus-max-size"] == str(LIMIT)
    assert "creation" in discovery.headers["tus-extension"]


def test_a_form_is_received_looked_at_imported_and_declared(shop, client, uploads):
    upload_id = upload(client, uploads)
    look = client.post(f"{uploads}/{upload_id}/preview", json={}).json()
    assert look["test"]["columns"] == [["id", "int64"], ["amount", "double"]]
    assert look["test"]["rows"] == [[1, 2.5], [2, 10.25]]
    assert look["test"]["guesses"]
    assert look["declared"] is None
    assert not (shop.defs / "uploads").exists()
    found = bring_in(client, uploads, upload_id, "sales", settings={"rename": {"amount": "eur"}})
    assert found["phase"] == "started", found
    assert rows_of(shop, "sales") == [{"id": 1, "eur": 2.5}, {"id": 2, "eur": 10.25}]
    written = yaml.safe_load((shop.defs / "uploads" / "sales" / "defs.yaml").read_text())
    assert written["attributes"] == {"name": "sales", "upload": True, "rename": {"amount": "eur"}}
    again = client.post(
        f"{uploads}/{upload_id}/import",
        json={"name": "sales", "settings": {"rename": {"amount": "eur"}}},
    )
    assert again.json()["run_id"] == found["run_id"]  # the same request is the same import


def test_a_second_file_is_the_next_version_as_the_dataset_declares_it(shop, client, uploads):
    store = TableStore.open(str(shop.home.root / "store"))
    for text in (b"id;n\n1;2\n", b"id;n\n1;2\n3;4\n"):
        upload_id = upload(client, uploads, text)
        look = client.post(f"{uploads}/{upload_id}/preview", json={"name": "prices"}).json()
        assert look["declared"]["options"] == {"separator": ";"}
        before = store.item(("datasets", "prices")).numbers()
        bring_in(client, uploads, upload_id, "prices")
        wait_until(lambda before=before: store.item(("datasets", "prices")).numbers() != before)
    assert [v.rows for v in store.item(("datasets", "prices")).versions()] == [1, 2]


@pytest.mark.parametrize(
    ("order", "status", "message"),
    [
        ({"name": "../x"}, 409, "cannot name a dataset"),
        ({"name": "new", "settings": {"options": {"separator": ";"}}}, 409, "need a format"),
        ({"name": "new", "settings": {"rename": {"a": "{{ env.HOME }}"}}}, 409, "template"),
        ({"name": "new", "more": ["0" * 32]}, 404, "no upload"),
        ({}, 422, "name"),
    ],
)
def test_orders_that_cannot_be_are_refused_at_once(client, uploads, order, status, message):
    upload_id = upload(client, uploads)
    answer = client.post(f"{uploads}/{upload_id}/import", json=order)
    assert answer.status_code == status
    assert message in answer.json()["detail"]


def test_a_name_that_something_else_has_fails_the_import_with_its_reason(client, uploads):
    upload_id = upload(client, uploads)
    found = bring_in(client, uploads, upload_id, "taken")
    assert (found["phase"], "not made of uploaded files" in found["problem"]) == ("failed", True)
    assert bring_in(client, uploads, upload_id, "plain")["phase"] == "started"


def test_a_foreign_client_sends_stops_and_goes_on(shop, client, uploads, tmp_path):
    data = b"id,text\n" + b"".join(b"%d,%s\n" % (i, b"x" * 50) for i in range(20_000))
    path = tmp_path / "big.csv"
    path.write_bytes(data)
    tus = TusClient(f"{shop.url}{uploads}", headers={"Origin": shop.url})
    with path.open("rb") as stream:
        first = tus.uploader(
            file_stream=stream, chunk_size=300_000, metadata={"filename": "big.csv"}
        )
        first.upload(stop_at=600_000)
        second = tus.uploader(
            file_stream=stream, chunk_size=300_000, url=first.url, upload_checksum=True
        )
        assert second.get_offset() == 600_000
        second.upload()
    upload_id = first.url.rpartition("/")[2]
    found = client.get(f"{uploads}/{upload_id}").json()
    assert (found["phase"], found["offset"], found["file"]) == ("received", len(data), "big.csv")
    bring_in(client, uploads, upload_id, "plain")
    wait_until(lambda: len(rows_of(shop, "plain")) == 20_000)


def test_a_foreign_client_is_told_what_is_too_large(shop, uploads, tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(LIMIT + 1)
    tus = TusClient(f"{shop.url}{uploads}", headers={"Origin": shop.url})
    with path.open("rb") as stream:
        uploader = tus.uploader(
            file_stream=stream, chunk_size=1000, metadata={"filename": "large.csv"}
        )
        with pytest.raises(TusCommunicationError) as caught:
            uploader.upload()
    assert caught.value.status_code == 413


def test_wrong_offsets_and_too_many_bytes_are_refused_and_nothing_of_them_stays(client, uploads):
    made = announce(client, uploads, len(DATA))
    assert made.status_code == 201
    place = made.headers["location"]
    assert send(client, place, 0, DATA[:5]).headers["upload-offset"] == "5"
    for offset in (0, 4, 6, 10**9):
        answer = send(client, place, offset, b"xx")
        assert (answer.status_code, answer.json()["facts"]["offset"]) == (409, 5)
    assert send(client, place, 5, b"x" * 100).status_code == 413
    head = client.head(place, headers={"Tus-Resumable": "1.0.0"})
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("5", str(len(DATA)))
    assert head.headers["cache-control"] == "no-store"
    assert send(client, place, 5, DATA[5:]).status_code == 204
    assert send(client, place, len(DATA), b"x").status_code == 409  # it is whole


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Content-Type": "application/octet-stream"}, 415),
        ({"Upload-Offset": "-1"}, 422),
        ({"Upload-Offset": "five"}, 422),
        ({"Upload-Checksum": "crc32 AAAA"}, 400),
        ({"Upload-Checksum": "sha256 ???"}, 400),
        ({"Upload-Checksum": "sha256 AAAA"}, 460),
    ],
)
def test_pieces_of_another_form_are_refused(client, uploads, headers, status):
    place = announce(client, uploads, len(DATA)).headers["location"]
    assert send(client, place, 0, DATA, **headers).status_code == status
    assert client.get(place).json()["offset"] == 0


def test_a_piece_with_the_right_checksum_is_taken(client, uploads):
    place = announce(client, uploads, len(DATA)).headers["location"]
    digest = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
    assert send(client, place, 0, DATA, **{"Upload-Checksum": f"sha256 {digest}"}).is_success


@pytest.mark.parametrize(
    ("size", "name", "headers", "status"),
    [
        (LIMIT + 1, "a.csv", {}, 413),
        (5, "", {}, 422),
        (5, "../..", {}, 422),
        (5, "a.csv", {"Upload-Metadata": "filename ???"}, 400),
        (5, "a.csv", {"Upload-Length": "-5"}, 422),
        (5, "a.csv", {"Upload-Length": "9" * 4000}, 413),
        (5, "a.csv", {"Tus-Resumable": "2.0.0"}, 412),
    ],
)
def test_announcements_that_cannot_be_are_refused(client, uploads, size, name, headers, status):
    assert announce(client, uploads, size, name, **headers).status_code == status


def test_the_first_piece_may_come_with_the_announcement(client, uploads):
    metadata = f"filename {base64.b64encode(b'day.csv').decode()}"
    answer = client.post(
        uploads,
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(DATA)),
            "Upload-Metadata": metadata,
            "Content-Type": "application/offset+octet-stream",
        },
        content=DATA,
    )
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(DATA)))
    assert client.get(answer.headers["location"]).json()["phase"] == "received"


def raw(shop, head: str, body: bytes, *, close: bool) -> bytes:
    """A request over a bare socket; its answer when the line stays open."""
    address = urlsplit(shop.url)
    with socket.create_connection((address.hostname, address.port)) as line:
        line.sendall(f"{head}\r\nHost: {address.netloc}\r\n\r\n".encode() + body)
        if close:
            return b""
        return line.recv(65536)


def test_a_line_that_is_cut_leaves_what_came(shop, client, uploads):
    place = announce(client, uploads, 1_000_000).headers["location"]
    head = (
        f"PATCH {place} HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        "Content-Type: application/offset+octet-stream\r\nContent-Length: 1000000"
    )
    raw(shop, head, b"x" * 400_000, close=True)
    wait_until(lambda: client.get(place).json()["offset"] == 400_000)
    wait_until(lambda: send(client, place, 400_000, b"x" * 600_000).status_code == 204)
    assert client.get(place).json()["phase"] == "received"


def test_two_writers_at_once_take_turns(shop, client, uploads):
    place = announce(client, uploads, 1_000_000).headers["location"]
    going, done = threading.Event(), threading.Event()

    def slowly():
        yield b"x" * 100_000
        going.set()
        done.wait(30)
        yield b"x" * 900_000

    first: list[int] = []
    with shop.client() as other:
        writer = threading.Thread(
            target=lambda: first.append(send(other, place, 0, slowly()).status_code)
        )
        writer.start()
        going.wait(30)
        # From a wrong offset: were this one the first, nothing of it would be written.
        wait_until(lambda: send(client, place, 7, b"y").status_code == 423)
        done.set()
        writer.join()
    assert first == [204]
    assert client.get(place).json()["phase"] == "received"


def test_a_form_without_an_end_is_stopped_at_the_limit_and_leaves_nothing(shop, client, uploads):
    before = len(client.get(uploads).json())

    def endless():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        while True:
            yield b"x" * 1_000_000

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    try:
        answer = client.post(uploads, headers=headers, content=endless())
        assert answer.status_code in (413, 422)
    except httpx.WriteError:
        pass  # hung up on while sending
    wait_until(lambda: len(client.get(uploads).json()) == before)


def test_a_form_whose_file_is_not_what_its_name_says_leaves_nothing(client, uploads):
    before = client.get(uploads).json()
    answer = client.post(uploads, files={"file": ("x.parquet", DATA)})
    assert (answer.status_code, "is no Parquet file" in answer.json()["detail"]) == (422, True)
    assert client.get(uploads).json() == before


def test_names_are_shown_without_paths_and_come_back_as_json(client, uploads):
    name = '../../<img src=x onerror=alert(1)>"\r\nX: y.csv'
    place = announce(client, uploads, 5, name).headers["location"]
    assert client.get(place).json()["file"] == '<img src=x onerror=alert(1)>" X: y.csv'


def test_what_is_thrown_away_is_gone(shop, client, uploads):
    place = announce(client, uploads, 5).headers["location"]
    assert client.delete(place, headers={"Tus-Resumable": "1.0.0"}).status_code == 204
    for answer in (client.get(place), client.head(place), send(client, place, 0, b"x")):
        assert answer.status_code == 404
    assert not list((shop.home.root / "incoming").rglob(place.rpartition("/")[2]))


def test_a_file_of_another_project_is_none_of_this_one(shop, client, uploads):
    other = IncomingUploads(shop.home).begin("a.csv", size_bytes=3, by="ada", project="other")
    place = f"{uploads}/{other.upload_id}"
    order = {"json": {"name": "plain"}}
    asked = [client.get(place), client.delete(place), client.post(f"{place}/import", **order)]
    assert [answer.status_code for answer in [*asked, send(client, place, 0, b"id")]] == [404] * 4


@pytest.mark.parametrize("upload_id", ["..", "..%2F..", "a" * 32, "%2e%2e%2f%2e%2e", "x\u00e9"])
def test_ids_lead_nowhere(client, uploads, upload_id):
    assert client.get(f"{uploads}/{upload_id}").status_code in (400, 404, 405)
    assert client.delete(f"{uploads}/{upload_id}").status_code in (400, 404, 405)


def test_a_server_that_dies_in_between_goes_on(shop, client, uploads):
    """What was noted is carried out by whoever looks next, with the run that was promised."""
    upload_id = upload(client, uploads)
    key = f"upload {upload_id}"
    pending = PendingImport(
        upload_id,
        (upload_id,),
        "resumed",
        shop.name,
        UploadSettings(),
        {**asdict(Actor("ada")), "scopes": ["read", "import", "write"]},
        key,
        Asked("ada", key).make_run_id(),
    )
    PendingImports(shop.home).write(pending)
    wait_until(lambda: client.get(f"{uploads}/{upload_id}").json()["phase"] == "started")
    assert len(rows_of(shop, "resumed")) == 2


def test_the_command_line_has_a_running_server_import_what_is_new_to_it(shop, tmp_path):
    path = tmp_path / "shell.csv"
    path.write_bytes(DATA)
    links = json.dumps({shop.name: f"{shop.location.server.path}.sock"})
    before = shop.location.generation
    with hold(shop.home.locks / "up.lock"), hold(shop.home.locks / CODE_LOCK, note=links):
        result = CliRunner().invoke(
            app, ["dataset", "upload", str(path), "--name", "from_shell", "--no-wait"]
        )
    assert result.exit_code == 0, result.output
    assert "waits in the server's queue" in result.output
    assert shop.location.generation > before  # it was read anew first
    assert len(rows_of(shop, "from_shell")) == 2
