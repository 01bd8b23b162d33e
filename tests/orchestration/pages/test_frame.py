"""What every page has: its project, its tabs, what does not load, and headers that let no foreign script in."""

import pytest

from tests.served import served

ORDERS = """
type: resources.FolderConnector
attributes:
  name: files
  root: inbox
---
type: assets.Datasource
attributes: {name: orders_files, connector: files, path: "orders/*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders_files}
"""
BROKEN = """
type: assets.Dataset
attributes: {name: returns, datasource: nowhere}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), {"orders/defs.yaml": ORDERS}) as found:
        yield found


def test_one_project_needs_no_choice(shop):
    with shop.client() as client:
        answer = client.get("/data/")
        assert (answer.status_code, answer.headers["location"]) == (303, "/data/shop/")


def test_a_page_lets_no_foreign_script_in(shop):
    with shop.client() as client:
        answer = client.get(f"{shop.data}/")
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in answer.text
    assert " style=" not in answer.text


def test_a_slash_too_many_or_too_few_leads_to_the_page_by_no_other_name_of_the_server(shop):
    with shop.client() as client:
        many = client.get(f"{shop.data}/datasets/?q=%3Cb%3E")
        few = client.get("/data")
        none = client.get(f"{shop.data}/nothing/")
    assert (many.status_code, many.headers["location"]) == (
        307,
        f"/data/{shop.name}/datasets?q=%3Cb%3E",
    )
    assert (few.status_code, few.headers["location"]) == (307, "/data/")
    assert none.headers["location"] == f"/data/{shop.name}/nothing"


def test_an_unknown_project_is_told_with_those_that_there_are(shop):
    with shop.client() as client:
        page = client.get("/data/ship/")
        problem = client.get("/api/v1/projects/ship")
    assert page.status_code == 404
    assert "Did you mean &#39;shop&#39;?" in page.text
    assert problem.headers["content-type"] == "application/problem+json"


def test_a_reload_shows_and_what_is_wrong_is_on_top(shop):
    file = shop.defs / "returns" / "defs.yaml"
    file.parent.mkdir()
    file.write_text(BROKEN)
    shop.reload()
    try:
        with shop.client() as client:
            text = client.get(f"{shop.data}/").text
            (state,) = client.get("/api/v1/projects").json()
    finally:
        file.unlink()
        shop.reload()
    assert "returns/defs.yaml:3" in text
    assert "unknown data source &#39;nowhere&#39;" in text
    assert len(state["problems"]) == 1


def test_what_was_declared_is_shown_while_the_code_does_not_load(shop):
    file = shop.root / "shop" / "definitions.py"
    before = file.read_text()
    file.write_text("raise RuntimeError('out of paper')\n")
    shop.reload()
    try:
        with shop.client() as client:
            answer = client.get(f"{shop.data}/")
            (state,) = client.get("/api/v1/projects").json()
    finally:
        file.write_text(before)
        shop.reload()
    assert answer.status_code == 200
    assert "out of paper" in answer.text
    assert "out of paper" in state["error"]


def test_an_answer_that_is_known_is_not_sent_again(shop):
    with shop.client() as client:
        first = client.get("/api/v1/projects")
        again = client.get("/api/v1/projects", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_reference_names_every_route(shop):
    with shop.client() as client:
        text = client.get("/api/v1/").text
        document = client.get("/api/v1/openapi.json").json()
    assert document["paths"]
    for path in document["paths"]:
        assert f"/api/v1{path}" in text
