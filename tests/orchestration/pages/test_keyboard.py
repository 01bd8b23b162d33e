"""With a keyboard alone, and without scripts: what is focused stays so while a page changes, and what is for good is asked first."""

import pytest

from orchestration.services.access.actor import Role
from orchestration.services.access.shell import shell_actor
from orchestration.services.access.users import add_user, list_users
from resources.stores.catalog.database import CatalogDatabase
from tests.orchestration.pages.test_works import SHOP
from tests.served import served
from tests.servers.chromium import watched_page

PASSWORD = "correct horse battery"
FOCUSED = (
    "document.activeElement.getAttribute('aria-label')"
    " || document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), {"shop/defs.yaml": SHOP}) as found:
        (found.home.root / "inbox" / "orders").mkdir(parents=True)
        yield found


def tab_to(page, text, key="Tab"):
    for _ in range(80):
        page.keyboard.press(key)
        if page.evaluate(FOCUSED).strip() == text:
            style = "getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(style) == "solid", f"the focus on {text} does not show"
            return
    raise AssertionError(f"{text} is not reached by Tab on {page.url}")


def press(page, key="Enter"):
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_keyboard_keeps_its_place(shop, chromium):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/pipelines")
        tab_to(page, "What to do with by_hand")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        assert page.evaluate(FOCUSED) == "What to do with by_hand"
        page.keyboard.press("Enter")
        tab_to(page, "What to do with nightly")  # and so out of the menu, which closes
        assert page.locator("details.menu[open]").count() == 0
        page.goto(f"{shop.data}/pipelines/by_hand")
        tab_to(page, "Run now")
        press(page)  # nothing takes it from the queue: its page asks again each second
        tab_to(page, "Open in Dagster")
        for _ in range(2):
            with page.expect_response("**/runs/*"):
                pass
        page.wait_for_function(f"({FOCUSED}) === 'Open in Dagster'")
        page.goto(f"{shop.data}/connectors/files")
        tab_to(page, "Test connector")
        page.keyboard.press("Enter")
        page.locator(".verdict.good").wait_for()
        assert page.evaluate(FOCUSED) == "Test connector"


def test_a_filter_takes_effect_when_it_is_sent(shop, chromium):
    """Arrows on a list of choices would load the page at each of them."""
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/runs")
        page.locator("select[name=pipeline]").focus()
        page.keyboard.press("ArrowDown")
        assert page.locator("select[name=pipeline]").input_value() == "by_hand"
        assert page.url == f"{shop.data}/runs"
        tab_to(page, "Filter")
        press(page)
        assert "pipeline=by_hand" in page.url


def test_a_wrong_form_is_announced_and_its_field_marked(shop, chromium):
    with watched_page(chromium, java_script_enabled=False) as watched:
        watched.expected.add(422)
        page = watched.page
        page.goto(f"{shop.data}/connectors/-/new?type=postgresql&host=h&database=d&username=u")
        page.locator("main [name=name]").fill("crm")
        page.locator("main [name=port]").fill("many")
        page.get_by_role("button", name="Save").click()
        banner = page.locator("main .banner.bad")
        assert "Nothing was written" in banner.inner_text()
        assert banner.evaluate("one => one === document.activeElement")
        assert page.locator("[aria-invalid=true]").get_attribute("name") == "port"
        assert page.locator("main [name=host]").input_value() == "h"


def test_an_address_without_a_file_leads_to_where_one_is_chosen(shop):
    with shop.client() as client:
        for path in ("check", "report"):
            answer = client.get(f"{shop.data}/classifications/products/{path}")
            assert answer.headers["location"] == "/data/shop/classifications/products"


def test_without_scripts_the_server_asks_before_what_is_for_good(shop, chromium):
    catalog = CatalogDatabase.open()
    for name, role in (("ada", Role.ADMIN), ("temp", Role.VIEWER)):
        add_user(catalog, shell_actor(), name=name, role=role, password=PASSWORD)
    with watched_page(chromium, java_script_enabled=False) as watched:
        watched.expected.add(422)
        page = watched.page
        page.goto(f"{shop.data}/users")
        page.locator("[name=name]").fill("ada")
        page.locator("[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        remove = page.locator("tr", has_text="temp").get_by_role("button", name="Remove")
        page.get_by_label("What to do with temp").click()
        remove.click()
        page.get_by_role("heading", name="Remove temp with all tokens?").wait_for()
        assert [user.name for user in list_users(catalog)] == ["ada", "temp"]
        page.get_by_role("link", name="No").click()
        assert page.url == f"{shop.data}/users"
        page.get_by_label("What to do with temp").click()
        remove.click()
        page.get_by_role("button", name="Yes").click()
        assert [user.name for user in list_users(catalog)] == ["ada"]
        form = page.locator("form[action$='/users/add']")
        form.locator("[name=name]").fill("Not A Name")
        form.locator("[name=password]").fill(PASSWORD)
        form.get_by_role("button").click()
        assert form.locator("[name=name]").input_value() == "Not A Name"  # what was typed stays
        assert "cannot be the name of a user" in form.locator(".banner.bad").inner_text()
