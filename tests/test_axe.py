"""What is found on a page: the contrast of each look, once and wherever it is first seen; every other rule at every element."""

import pytest

from tests.axe import violations
from tests.servers.chromium import watched_page

PAGE = """<!doctype html><html lang="en"><head><title>t</title><style>
  .pale {{ color: #bbb }} .dark {{ background: #222 }} .box {{ padding: 1px }}
  @media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #eee }} .night {{ color: #333 }} }}
</style></head><body><main><h1>One</h1>{}</main></body></html>"""
GOOD = '<section class="box"><p>Read <b>me</b></p><p>and me</p></section>'


@pytest.fixture(scope="module")
def found(chromium):
    """The rules that a page breaks."""
    with watched_page(chromium) as watched:

        def look(body, scheme="light"):
            watched.page.emulate_media(color_scheme=scheme)
            watched.page.set_content(PAGE.format(body))
            return {told.partition(":")[0] for told in violations(watched.page)}

        yield look


@pytest.mark.parametrize(
    "body",
    [
        GOOD * 50,
        GOOD + '<p class="pale" hidden>Not shown</p><button class="pale" disabled>No</button>',
        '<div class="dark"><p class="pale">On dark</p></div>',
        '<p class="night">By day</p>',
    ],
    ids=["alike", "shows nothing", "on dark", "other scheme"],
)
def test_a_page_that_breaks_no_rule(found, body):
    assert found(body) == set()


@pytest.mark.parametrize(
    "body",
    [
        GOOD * 50 + GOOD.replace("<b>", '<b class="pale">'),
        GOOD.replace("<p>and", '<p class="pale">and') + GOOD,
        GOOD + '<section class="box dark"><p>Read <b>me</b></p></section>',
        '<p class="pale" hidden>Not shown</p><p class="pale">Shown</p>',
        '<p class="pale" style="visibility: hidden">Not shown</p><p class="pale">Shown</p>',
        '<p class="pale"> </p><p class="pale">Shown</p>',
        '<button class="pale" disabled>No</button><button class="pale">Yes</button>',
        '<div class="dark"><p class="pale">On dark</p></div><div><p class="pale">On white</p></div>',
        '<p><i style="position: absolute; left: -900px" class="pale">Out</i></p><p><i class="pale">In</i></p>',
        '<input aria-label="a" value="x"><input aria-label="b" value="x" class="pale">',
        f'<div style="opacity: 0.3">{GOOD}</div>',
    ],
    ids=["last", "first", "background", "hidden", "invisible", "empty", "disabled", "on dark", "outside", "field", "faint"],
)  # fmt: skip
def test_one_text_that_is_too_pale_is_found_among_others(found, body):
    assert found(body) == {"color-contrast"}


def test_the_scheme_decides_over_the_contrast(found):
    assert found('<p class="night">By night</p>', "dark") == {"color-contrast"}


def test_other_rules_go_through_what_is_alike_too(found):
    assert found(GOOD * 9 + '<section class="box"><p><img src="data:,"></p></section>') == {
        "image-alt"
    }
    same = '<section class="box"><button style="padding: 20px" aria-label="Go"></button></section>'
    assert found(same * 9 + same.replace(' aria-label="Go"', "")) == {"button-name"}
