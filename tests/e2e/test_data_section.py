"""The data section by clicking alone: a file comes in and goes out again, a database is connected, read from and written to."""

import csv
import io
import re

import pytest

from tests.served import served
from tests.servers.chromium import watched_page

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
SALES = "id;shop;amount\n1;Lyon;2,50\n2;Zürich;10,25\n3;=1+1;-4,00\n"
TABLE = """
CREATE SCHEMA trade;
CREATE TABLE trade.orders (id bigint PRIMARY KEY, customer text NOT NULL, amount numeric(10, 2));
INSERT INTO trade.orders VALUES (1, 'Ada', 12.50), (2, 'Grace', NULL), (3, 'Linus', 0.01);
"""


@pytest.fixture(scope="module")
def database(postgres_server):
    with postgres_server.database() as name:
        postgres_server.execute(TABLE, database=name)
        yield name


@pytest.fixture(scope="module")
def shop(tmp_path_factory, postgres_server, database):
    variables = {"CRM_PASSWORD": postgres_server.password, "CRM_OLD_PASSWORD": "of last year"}
    folder = tmp_path_factory.mktemp("shop")
    with served(folder, {}, daemon=True, variables=variables) as found:
        yield found


class Visitor:
    """Somebody who knows nothing but what the pages say. Each page that is passed is checked: on the way to another, once."""

    def __init__(self, watched):
        self.watched = watched
        self.passed = set()
        self.page = watched.page
        self.page.set_default_timeout(120_000)  # a save loads the project in a process of its own

    def opens(self, *links):
        for link in links:
            self.page.get_by_role("link", name=link, exact=True).first.click()
            if self.page.url not in self.passed:
                self.watched.check_accessible()
            self.passed.add(self.page.url)

    def fills(self, **fields):
        for name, value in fields.items():
            field = self.page.locator(f"main [name={name}]")
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def presses(self, button):
        self.page.get_by_role("main").get_by_role("button", name=button, exact=True).first.click()

    def reads(self, text):
        self.page.get_by_text(text).first.wait_for()
        self.watched.check_accessible()

    def waits_for_the_run(self):
        self.page.locator("#run .facts").get_by_text("done", exact=True).wait_for()
        self.watched.check_accessible()

    def rows(self, table="table.grid"):
        cells = "rows => rows.map(row => [...row.querySelectorAll('td')].map(c => c.innerText))"
        return self.page.locator(f"{table} tbody tr").evaluate_all(cells)


@pytest.fixture
def visitor(shop, chromium):
    with watched_page(chromium) as watched:
        watched.page.goto(f"{shop.data}/")
        watched.check_accessible()
        yield Visitor(watched)


def test_a_file_is_uploaded_looked_at_renamed_and_downloaded(visitor, tmp_path):
    """F003, F010, F015, F016."""
    page = visitor.page
    file = tmp_path / "sales.csv"
    file.write_text(SALES)
    visitor.opens("Datasets", "Upload")
    page.get_by_label("Choose a file").set_input_files(file)
    visitor.presses("Upload")
    page.wait_for_url(re.compile(r"/datasets/upload/[0-9a-f]{32}"))
    visitor.reads("Nothing is kept yet")
    assert visitor.rows() == [["1", "Lyon", "2.5"], ["2", "Zürich", "10.25"], ["3", "=1+1", "-4.0"]]
    visitor.presses("Import")
    page.wait_for_url("**/datasets/sales")  # the page leads there when the rows are there
    visitor.watched.check_accessible()
    assert page.locator("main .badge").first.inner_text() == "ready"
    visitor.opens("Columns", "Rows")
    assert [row[1:] for row in visitor.rows()] == [
        ["Lyon", "2.5"],
        ["Zürich", "10.25"],
        ["=1+1", "-4.0"],
    ]
    page.get_by_text("More", exact=True).click()
    visitor.opens("Title and description")
    visitor.fills(title="Sales of the week")
    visitor.presses("Save")
    page.get_by_role("heading", name="Sales of the week").wait_for()
    page.get_by_text("More", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    text = download.value.path().read_bytes().decode()
    assert list(csv.reader(io.StringIO(text))) == [
        ["id", "shop", "amount"], ["1", "Lyon", "2.5"], ["2", "Zürich", "10.25"], ["3", "'=1+1", "-4"]
    ]  # fmt: skip
    visitor.opens("Datasets")
    assert page.get_by_role("link", name="Sales of the week").count() == 1


def connect(visitor, server, database):
    """A connector by its form: tested with a wrong password, then with the right one."""
    page = visitor.page
    visitor.opens("Connectors", "New connector", "PostgreSQL")
    visitor.fills(name="crm", host="127.0.0.1", database=database, username="waybill")
    visitor.fills(password="CRM_OLD_PASSWORD", port=str(server.port))
    visitor.presses("Save")
    visitor.reads("Connector crm is declared")
    visitor.opens("crm")
    visitor.presses("Test connector")
    page.locator(".verdict.bad").get_by_text("password").wait_for()
    visitor.watched.check_accessible()
    visitor.opens("Edit")
    visitor.fills(password="CRM_PASSWORD")
    visitor.presses("Save")
    visitor.reads("Connector crm is changed")
    visitor.opens("crm")
    visitor.presses("Test connector")
    page.locator(".verdict.good").wait_for()


def import_table(visitor, database):
    """From the connector's page to rows: browsed, a data source, a dataset, a run."""
    page = visitor.page
    visitor.opens("Browse", database, "trade", "orders", "Create a data source from this")
    visitor.fills(name="crm_orders")
    visitor.presses("Save")
    visitor.reads("Data source crm_orders is declared")
    visitor.opens("crm_orders", "Preview")
    assert visitor.rows()[2] == ["3", "Linus", "0.01"]
    page.go_back()
    visitor.opens("New dataset")
    visitor.fills(name="orders")
    visitor.presses("Save")
    visitor.reads("Dataset orders is declared")
    visitor.opens("orders")
    visitor.presses("Refresh")
    visitor.waits_for_the_run()


def export_table(visitor):
    """An exporter by its form, tried, used, and its history."""
    page = visitor.page
    visitor.opens("Exporters", "New exporter")
    visitor.fills(name="orders_out", dataset="orders", connector="crm", table="trade.orders_copy")
    visitor.presses("Save")
    visitor.reads("Exporter orders_out is declared")
    visitor.opens("orders_out")
    visitor.presses("Test exporter")
    page.locator(".verdict.good").get_by_text("writes 3 rows").wait_for()
    visitor.watched.answers.append(True)
    visitor.presses("Export now")
    visitor.waits_for_the_run()
    visitor.opens("Exporters", "History")
    (told,) = visitor.rows("main table")
    assert [told[1], told[2], told[4]] == ["done", "orders version 1", "3"]


def test_a_table_is_connected_imported_and_exported(visitor, shop, postgres_server, database):
    """F002, F037, F038, F051."""
    connect(visitor, postgres_server, database)
    import_table(visitor, database)
    export_table(visitor)
    copied = "SELECT id, customer, amount::text FROM trade.orders_copy ORDER BY id"
    assert postgres_server.execute(copied, database=database) == [
        (1, "Ada", "12.50"), (2, "Grace", None), (3, "Linus", "0.01")
    ]  # fmt: skip
    written = "".join(file.read_text() for file in shop.defs.rglob("*.yaml"))
    assert "password: {env: CRM_PASSWORD}" in written
    assert postgres_server.password not in written + visitor.page.content()
