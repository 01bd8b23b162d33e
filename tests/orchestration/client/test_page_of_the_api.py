"""`waybill.Client` against a served project: the lines of docs/http-api.md, and what it raises."""

import re
from pathlib import Path

import pandas as pd
import pytest

from orchestration.client.client import Client
from resources.kernel.errors import UnknownNameError
from tests.served import served

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
