"""The frame in a real browser: nothing that its own policy forbids, nothing that axe-core finds, light, dark and narrow."""

import pytest

from tests.orchestration.pages.test_frame import ORDERS
from tests.served import served
from tests.servers.chromium import watched_page


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), {"orders/defs.yaml": ORDERS}) as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_pages_are_accessible(shop, chromium, scheme, width):
    with watched_page(chromium, color_scheme=scheme) as watched:
        watched.page.set_viewport_size({"width": width, "height": 800})
        for path in (f"{shop.data}/", f"{shop.url}/api/v1/"):
            watched.page.goto(path)
            watched.check_accessible()
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_the_content_first(shop, chromium):
    with watched_page(chromium) as watched:
        watched.page.goto(f"{shop.data}/")
        watched.page.keyboard.press("Tab")
        assert watched.page.evaluate("document.activeElement.textContent") == "Skip to content"
        watched.page.keyboard.press("Enter")
        assert watched.page.url.endswith("#content")
