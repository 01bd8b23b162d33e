"""A project with a collection that takes documents and pages, and its import tasks as a program asks for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from resources.stores.tables import TableStore
from tests.served import Served, served, wait_until
from tests.servers.ftp import PASSWORD, FtpServer, running_ftp

LIMIT = 2_000_000
LIBRARY = """
type: resources.FolderConnector
attributes: {{name: lake, root: {lake}}}
---
type: resources.FolderConnector
attributes: {{name: other, root: {lake}/notes}}
---
type: resources.FtpConnector
attributes: {{name: slow, host: 127.0.0.1, port: {port}, username: loader, password: {{env: FTP_PASSWORD}}, insecure_plain_ftp: true}}
---
type: resources.SqlConnector
attributes: {{name: tables, dialect: sqlite, path: tables.db}}
---
type: assets.Collection
attributes: {{name: library, connectors: [lake, slow], web: true, documents: {{}}}}
---
type: assets.Dataset
attributes: {{name: sales, upload: true}}
"""
AT_WORK = ("importing", "stopping", "deleting")


SHORT = 65_536
"""Bytes: of a file on the slow server, so many come at once; the rest of a longer one when the test says so."""


@contextmanager
def slow_server(folder: Path) -> Iterator[FtpServer]:
    """Three short texts, and behind them three long ones, which do not come to their ends before `release`."""
    folder.mkdir()
    for number in range(3):
        (folder / f"1-short{number}.txt").write_text(f"Short note {number}.\n")
        (folder / f"2-long{number}.txt").write_text(f"Long note {number}.\n" * 16_000)
    with running_ftp(folder) as server:
        hold(server)
        yield server


def hold(server: FtpServer) -> None:
    """Has long files stand still from now on."""
    server.faults.stall_after = SHORT


def release(server: FtpServer) -> None:
    """Has them come."""
    server.faults.stall_after = None


@contextmanager
def served_library(folder: Path) -> Iterator[tuple[Served, FtpServer]]:
    """A project with the collection `library`, the folder `lake` and the server `slow`."""
    lake = fill_lake(folder / "lake")
    (folder / "shop").mkdir()
    with slow_server(folder / "slow") as server:
        files = {"library/defs.yaml": LIBRARY.format(lake=lake, port=server.port)}
        variables = {"WAYBILL_UPLOAD_LIMIT": str(LIMIT), "FTP_PASSWORD": PASSWORD}
        with served(folder / "shop", files, daemon=True, variables=variables) as shop:
            yield shop, server


def fill_lake(folder: Path) -> Path:
    """Three short texts in `notes/`."""
    folder.mkdir()
    (folder / "notes").mkdir()
    for number in range(3):
        (folder / "notes" / f"{number}.txt").write_text(f"Note {number} of the harbour.\n")
    return folder


class Tasks:
    """The routes of import tasks."""

    library: ClassVar = {"kind": "collection", "name": "library"}

    def __init__(self, client, shop) -> None:
        self.client = client
        self.shop = shop
        self.base = f"/api/v1/projects/{shop.name}/imports"

    def from_lake(self, path, connector="lake"):
        return {"type": "connector", "connector": connector, "path": path}

    def make(self, source, *, name="", folder="", start=False):
        asked = {"name": name, "target": {**self.library, "folder": folder}, "source": source}
        return self.post("", {**asked, "start": start}, code=202 if start else 201)

    def send(self, files, data, *, headers=None):
        """A form with files in it."""
        answer = self.client.post(
            self.base, files=files, data={"data": json.dumps(data)}, headers=headers
        )
        assert answer.status_code == (202 if data.get("start") else 201), answer.text
        return answer.json()

    def post(self, place, body, *, code, headers=None):
        answer = self.client.post(f"{self.base}{place}", json=body, headers=headers)
        assert answer.status_code == code, answer.text
        return answer.json()

    def act(self, task, verb, code=202):
        answer = self.client.post(f"{self.base}/{task['id']}/{verb}")
        assert answer.status_code == code, answer.text
        return answer.json()

    def delete(self, task):
        answer = self.client.delete(f"{self.base}/{task['id']}")
        assert answer.status_code in (202, 204), answer.text
        wait_until(lambda: self.client.get(f"{self.base}/{task['id']}").status_code == 404)

    def get(self, place, **params):
        place = place if place[:1] in ("", "?") else f"/{place}"
        return (
            self.client.get(f"{self.base}{place}", params=params or None).raise_for_status().json()
        )

    def ended(self, task):
        """The task once no run is at work on it."""
        wait_until(lambda: self.get(str(task["id"]))["state"] not in AT_WORK)
        return self.get(str(task["id"]))

    def items_of_library(self):
        place = f"/api/v1/projects/{self.shop.name}/collections/library/items?limit=1000"
        return self.client.get(place).raise_for_status().json()["items"]

    def texts(self):
        """What the collection's newest version says of each item, by title."""
        store = TableStore.open(f"file://{self.shop.home.root / 'store'}")
        key = ("datasets", "library")
        wait_until(lambda: store.item(key).versions())
        rows = store.read(key).to_table(columns=["title", "text"]).to_pylist()
        return {row["title"]: row["text"] or "" for row in rows}
