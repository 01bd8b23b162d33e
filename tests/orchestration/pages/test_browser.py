"""The frame in a real browser: nothing that its own policy forbids, nothing that axe-core finds, light, dark and narrow."""

import pytest

from tests.orchestration.pages.test_frame import ORDERS
from tests.served import served
from tests.servers.chromium import watched_page


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), {"orders/defs.yaml": ORDERS}) as found:
        yield found


@pytest.mark.parametrize("path", ["/data/shop/", "/api/v1/"])
def test_pages_are_accessible_and_fit(shop, chromium, path):
    with watched_page(chromium) as watched:
        watched.page.goto(f"{shop.url}{path}")
        watched.check_looks()


def test_the_keyboard_reaches_the_content_first(shop, chromium):
    with watched_page(chromium) as watched:
        watched.page.goto(f"{shop.data}/")
        watched.page.keyboard.press("Tab")
        assert watched.page.evaluate("document.activeElement.textContent") == "Skip to content"
        watched.page.keyboard.press("Enter")
        assert watched.page.url.endswith("#content")
