"""Signing in, the account, users and the audit log, clicked through in a real browser; and what each role is shown."""

import re

import pytest

from orchestration.services.access import passwords
from orchestration.services.access.actor import Actor, Role
from orchestration.services.access.tokens import list_tokens
from orchestration.services.access.users import add_user, list_users
from resources.stores.catalog.database import CatalogDatabase
from tests.served import served
from tests.servers.chromium import watched_page

SHELL = Actor("root", via="shell")
PASSWORD = "correct horse battery"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))
        with served(tmp_path_factory.mktemp("shop"), {}) as found:
            yield found


@pytest.fixture(scope="module")
def database(shop):
    found = CatalogDatabase.open()
    add_user(found, SHELL, name="ada", role=Role.ADMIN, password=PASSWORD)
    add_user(found, SHELL, name="vic", role=Role.VIEWER, password=PASSWORD)
    return found


@pytest.fixture
def watched(chromium):
    with watched_page(chromium) as found:
        yield found


def sign_in(shop, client, name):
    form = {"name": name, "password": PASSWORD}
    assert client.post("/login", data=form, headers={"Origin": shop.url}).status_code == 303


def test_a_person_signs_in_makes_a_token_and_signs_out(shop, database, watched):
    page = watched.page
    watched.expected.add(401)
    page.goto(f"{shop.data}/account")
    assert "/login?next=" in page.url
    watched.check_accessible()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").get_by_text("Name or password is wrong.").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{shop.data}/account")
    watched.check_accessible()
    page.get_by_label("Alias").fill("notebook")
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("pre").inner_text()
    assert re.fullmatch(r"waybill_[\w-]{43}", secret)
    watched.check_accessible()
    with shop.client(headers={"Authorization": f"Bearer {secret}"}) as program:
        assert program.get("/api/v1/me").json()["user"] == "ada"
        page.get_by_role("button", name="Pause").click()
        page.get_by_text("The token notebook is refused until you have it go on.").wait_for()
        assert program.get("/api/v1/me").status_code == 401
        page.get_by_role("button", name="Go on").click()
        page.get_by_text("The token notebook is taken again.").wait_for()
        assert program.get("/api/v1/me").status_code == 200
    watched.answers.append(True)
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("The token notebook is worth nothing any more.").wait_for()
    assert list_tokens(database) == []
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    page.goto(f"{shop.data}/account")
    assert "/login?next=" in page.url


def test_an_admin_adds_a_user_and_reads_about_it(shop, database, watched):
    page = watched.page
    page.goto(f"{shop.url}/login?next=/data/shop/users")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{shop.data}/users")
    watched.check_accessible()
    page.get_by_label("Name", exact=False).last.fill("olga")
    page.get_by_label("Role").select_option("operator")
    page.locator("#f-password").fill(PASSWORD)
    page.get_by_role("button", name="Add the user").click()
    page.get_by_text("olga may sign in, as operator.").wait_for()
    assert [(user.name, user.role) for user in list_users(database)] == [
        ("ada", "admin"), ("olga", "operator"), ("vic", "viewer")
    ]  # fmt: skip
    page.goto(f"{shop.data}/audit?action=user.add")
    page.get_by_role("cell", name="olga", exact=True).wait_for()
    watched.check_accessible()
    page.get_by_text("before and after").first.click()
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_viewer_is_shown_what_a_viewer_may(shop, database):
    with shop.client(headers={"Origin": shop.url}) as client:
        sign_in(shop, client, "vic")
        account = client.get(f"{shop.data}/account").text
        token = re.search(r'name="form_token" value="([^"]+)"', account)[1]
        assert f"{shop.data}/users".removeprefix(shop.url) not in account
        for path in ("users", "audit"):
            assert client.get(f"{shop.data}/{path}").status_code == 403
        form = {"form_token": token, "name": "eve", "role": "admin", "password": PASSWORD}
        assert client.post(f"{shop.data}/users/add", data=form).status_code == 403
        assert client.post(f"{shop.data}/users/vic/role", data=form).status_code == 403
    assert "eve" not in {user.name for user in list_users(database)}


def test_the_own_password_is_changed_with_the_current_one_and_ends_other_sessions(shop, database):
    with shop.client(headers={"Origin": shop.url}) as client, shop.client() as other:
        sign_in(shop, client, "vic")
        sign_in(shop, other, "vic")
        account = client.get(f"{shop.data}/account").text
        form = {"form_token": re.search(r'name="form_token" value="([^"]+)"', account)[1]}
        wrong = form | {"current": "wrong", "password": "another horse battery"}
        assert client.post(f"{shop.data}/account/password", data=wrong).status_code == 403
        right = form | {"current": PASSWORD, "password": PASSWORD + "!"}
        assert client.post(f"{shop.data}/account/password", data=right).status_code == 303
        assert client.get(f"{shop.data}/account").status_code == 200
        assert other.get(f"{shop.data}/account", headers={"Accept": "text/html"}).status_code == 303


def test_what_strangers_wrote_into_the_log_is_shown_as_text(shop, database):
    with shop.client(headers={"Origin": shop.url}) as client:
        client.post("/login", data={"name": HOSTILE, "password": HOSTILE})
        sign_in(shop, client, "ada")
        text = client.get(f"{shop.data}/audit").text
        filtered = client.get(
            f"{shop.data}/audit", params={"user": '"><script>', "action": HOSTILE}
        ).text
    assert "&lt;img src=x onerror" in text
    for shown in (text, filtered):
        assert "<img src=x" not in shown
        assert '"><script>' not in shown
