"""`waybill.Client` against a served project: the lines of docs/http-api.md, and what it raises."""

import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from orchestration.client.client import Client
from resources.kernel.errors import UnknownNameError
from tests.resources.documents import document_files, pdf_files
from tests.served import served, wait_until

DOCUMENT = Path(__file__).parents[3] / "docs" / "http-api.md"
ORDERS = """
type: resources.FolderConnector
attributes: {name: inbox, root: inbox}
---
type: assets.Datasource
attributes: {name: orders_files, connector: inbox, path: orders/*.csv}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders_files, refresh: manual}
---
type: assets.Collection
attributes: {name: library, connectors: [inbox], web: true, documents: {}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    files = {"orders/defs.yaml": ORDERS}
    with served(tmp_path_factory.mktemp("shop"), files, daemon=True) as found:
        orders = found.home.root / "inbox" / "orders"
        orders.mkdir(parents=True)
        (orders / "1.csv").write_text("order_id,customer\n1,Ada\n2,Grace\n3,Ada\n")
        yield found


def test_the_lines_of_the_documentation_work(shop, tmp_path, monkeypatch, capsys):
    """Nobody signs in here: uploads and starts without a body are no forms of other pages."""
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    exec(code.replace("http://127.0.0.1:3000", shop.url), {})
    assert capsys.readouterr().out.splitlines() == [
        "ready 2",
        "visits 2",
        "3",
        "orders.csv",
        "[{'n': 3}]",
    ]
    assert (tmp_path / "orders.csv").read_text().splitlines()[1:] == [
        '1,"Ada"',
        '2,"Grace"',
        '3,"Ada"',
    ]


@pytest.fixture
def papers(tmp_path, monkeypatch):
    """The files that the page names, where its lines are run."""
    monkeypatch.chdir(tmp_path)
    words = pdf_files.text(50, 700, "The harbour was opened in 1911.")
    (tmp_path / "report.pdf").write_bytes(pdf_files.pdf(words))
    (tmp_path / "minutes.docx").write_bytes(document_files.word())


def test_the_lines_about_import_tasks_work(shop, papers, capsys):
    page = DOCUMENT.read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[1]
    exec(code, {"client": Client(shop.url)})
    assert capsys.readouterr().out == "2 []\n"


def test_the_shell_lines_about_import_tasks_work(shop, papers):
    """The site of the page is one that is nowhere: its task is made and fails by itself."""
    reports = shop.home.root / "inbox" / "reports"
    reports.mkdir()
    (reports / "a.pdf").write_bytes(Path("report.pdf").read_bytes().replace(b"1911", b"1912"))
    page = DOCUMENT.read_text(encoding="utf-8")
    head = re.findall(r"^    (?:HOST|API|api\(\)).*$", page, re.MULTILINE)[:3]
    section = page.partition("\n## Import tasks\n")[2].partition("\n## ")[0]
    lines = [line.strip() for line in head] + re.findall(r"^    (.*)$", section, re.MULTILINE)
    script = "\n".join(lines).replace("http://127.0.0.1:3000", shop.url)
    script = script.replace("https://example.org/", "https://example.invalid/")
    client = Client(shop.url)
    before = {task.id for task in client.imports.list()}
    # its last line follows the events of a task to their end
    script = script.replace("$API/imports/1", f"$API/imports/{max(before, default=0) + 1}")
    told = subprocess.run(
        ["/bin/bash", "-euc", script], check=False, capture_output=True, text=True, timeout=300
    )
    assert told.returncode == 0, told.stderr
    made = [task for task in client.imports.list() if task.id not in before]
    assert len(made) == 3, told.stdout
    assert "event: end" in told.stdout
    files = next(task for task in made if task.source.startswith("report.pdf"))
    wait_until(lambda: client.imports.show(files.id).state == "completed")
    assert client.imports.show(files.id).total == 2


def test_a_data_frame_comes_back_as_it_was(shop):
    frame = pd.DataFrame(
        {"day": pd.to_datetime(["2026-11-30", None]), "n": pd.array([2**60, None], "Int64"), "text": ["=1", ""]}
    )  # fmt: skip
    kept = Client(shop.url, project="shop").datasets.upload(frame, name="frame").to_pandas()
    pd.testing.assert_frame_equal(kept, frame, check_dtype=False)
    assert kept["n"].dtype == "Int64"


def test_problems_are_the_errors_of_the_command_line(shop):
    with pytest.raises(UnknownNameError, match="unknown dataset 'order'") as raised:
        Client(shop.url).datasets["order"].show()
    assert "Did you mean 'orders'" in (raised.value.hint or "")
