"""Work by clicking alone: a pipeline run and watched until it is done, a classification file mended, applied, undone."""

import pytest

from tests.orchestration.pages.test_works import SHOP
from tests.served import served
from tests.servers.chromium import watched_page


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), {"shop/defs.yaml": SHOP}, daemon=True) as found:
        orders = found.home.root / "inbox" / "orders"
        orders.mkdir(parents=True)
        (orders / "1.csv").write_text("id\n1\n2\n")
        yield found


def wait_until_done(page):
    """The page of a run tells by itself, without being loaded again."""
    page.locator("#run .facts").get_by_text("done", exact=True).wait_for()


def test_a_pipeline_is_run_and_seen_to_its_end(shop, chromium):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/")
        page.get_by_role("link", name="Pipelines").first.click()
        page.get_by_role("link", name="by_hand", exact=True).click()
        watched.check_accessible()
        page.get_by_role("button", name="Run now").click()
        wait_until_done(page)
        assert page.get_by_role("link", name="orders", exact=True).count() >= 1
        watched.check_accessible()
        page.goto(f"{shop.data}/runs?pipeline=by_hand")
        assert page.get_by_role("row").count() == 2
        watched.check_accessible()
        page.goto(f"{shop.data}/runs?state=failed")
        page.get_by_text("No run is like that").wait_for()


def test_a_file_is_mended_applied_and_taken_back(shop, chromium, tmp_path):
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text("Key,Brand,Size\nsku-1,Cedar,many\n")
    good.write_text("Key,Brand,Size\nsku-1,Cedar,3\n")
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/classifications")
        page.get_by_role("link", name="products").click()
        page.get_by_label("File").set_input_files(bad)
        page.get_by_role("button", name="Check").click()
        page.get_by_text("It would be rejected").wait_for()
        assert page.get_by_role("cell", name="2", exact=True).count() == 1
        watched.check_accessible()
        page.get_by_role("link", name="Another file").click()
        page.get_by_label("File").set_input_files(good)
        page.get_by_role("button", name="Check").click()
        watched.check_accessible()
        page.get_by_role("button", name="Apply").click()
        wait_until_done(page)
        page.goto(f"{shop.data}/classifications/products?key=sku-1")
        assert page.get_by_role("cell", name="Cedar").count() == 1
        page.get_by_label("What to do with good.csv").click()
        watched.answers.append(True)
        page.get_by_role("button", name="Undo: back to version 0").click()
        wait_until_done(page)


def test_lists_and_pages_are_accessible_and_fit(shop, chromium):
    with watched_page(chromium) as watched:
        for path in ("", "/pipelines", "/pipelines/nightly", "/classifications/products", "/runs"):
            watched.page.goto(f"{shop.data}{path or '/'}")
            watched.check_looks()
