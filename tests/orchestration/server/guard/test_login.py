"""Signing in and out by the pages for it, and what becomes of cookies that somebody copied, bent or brought along."""

from http.cookies import SimpleCookie

import pytest

from orchestration.server.guard.login import safe_target
from orchestration.server.settings import PublicAddress
from orchestration.services.access import directory
from orchestration.services.access.audit import list_entries
from orchestration.services.access.session_lives import session_idle_life, session_life
from orchestration.services.access.throttle import TRIES
from orchestration.services.access.users import set_password
from resources.stores.catalog.access import records
from resources.stores.catalog.access.records import LogFilter
from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import FORM, ORIGIN, SHELL, Browser

PUBLIC = PublicAddress("waybill.example.com", "https://waybill.example.com")


def test_a_page_leads_to_the_form_and_from_there_back(browser, inner):
    led = browser.get("/runs?q=a%26b")
    assert (led.status, led.header("location")) == (303, ["/login?next=%2Fruns%3Fq%3Da%2526b"])
    shown = browser.get(led.header("location")[0])
    assert shown.status == 200
    assert b'value="/runs?q=a%26b"' in shown.body
    done = browser.sign_in("Ada ", next="/runs?q=a%26b")
    assert (done.status, done.header("location")) == (303, ["/runs?q=a%26b"])
    assert browser.get("/runs").status == 200
    assert (inner.actors[0].name, inner.actors[0].via) == ("ada", "session")


def test_the_form_works_without_scripts_and_under_a_strict_policy(browser):
    shown = browser.get("/login")
    assert "default-src 'none'" in shown.header("content-security-policy")[0]
    assert b"<script" not in shown.body
    assert b"/data/static/section.css" in shown.body
    assert browser.get("/data/static/section.css").status == 200


@pytest.mark.parametrize("path", ["/data/static/../x", "/data/static", "/data/statics/x"])
def test_nothing_else_is_shown_to_strangers(browser, inner, path):
    assert browser.get(path).status == 303
    assert inner.actors == []


def test_the_cookie_is_out_of_reach(browser):
    made = browser.sign_in("ada").header("set-cookie")[0]
    assert made.startswith("waybill-3000=")
    assert made.endswith("; Path=/; HttpOnly; SameSite=Strict")


def test_over_tls_the_cookie_is_for_tls_alone(people, make_guard):
    browser = Browser(make_guard(public=PUBLIC))
    at_proxy = {"host": PUBLIC.host, "origin": PUBLIC.origin}
    answer = browser.post(
        "/login", {"name": "ada", "password": "correct horse battery"}, **at_proxy
    )
    assert answer.header("set-cookie")[0].startswith("__Host-waybill=")
    assert answer.header("set-cookie")[0].endswith("; SameSite=Strict; Secure")
    assert answer.header("strict-transport-security") == ["max-age=31536000"]
    assert browser.get("/", host=PUBLIC.host).status == 200


@pytest.mark.parametrize(("name", "password"), [
    ("ada", "wrong"), ("nobody", "correct horse battery"), ("ada", ""), ("", ""),
    ("ada", "x" * 100_000), ("ada'; --", "x"), ("ada\0", "x"), ("\ud800", "\ud800"),
])  # fmt: skip
def test_what_is_wrong_is_not_said(browser, name, password):
    answer = browser.sign_in(
        name.encode("utf-8", "surrogatepass"), password.encode("utf-8", "surrogatepass")
    )
    assert answer.status == 401
    assert b"Name or password is wrong." in answer.body
    assert answer.header("set-cookie") == []


def test_a_catalog_that_cannot_be_read_is_told(browser, people):
    people.config.path.write_bytes(b"no catalog" * 100)
    answer = browser.sign_in("ada")
    assert answer.status == 503
    assert b"Nobody can be let in: " in answer.body


def test_a_name_cannot_be_told_from_its_absence_by_the_work(browser, monkeypatch):
    from orchestration.services.access import passwords

    done = []
    derive = passwords._derive
    monkeypatch.setattr(
        passwords, "_derive", lambda *given: done.append(given[2]) or derive(*given)
    )
    browser.sign_in("ada", "wrong")
    browser.sign_in("nobody", "wrong")
    assert len(done) == 2
    assert done[0] == done[1]


def test_a_name_from_the_outside_is_shown_as_text(browser):
    answer = browser.sign_in('"><script>alert(1)</script>', "wrong")
    assert b"<script>" not in answer.body
    assert b"&lt;script&gt;" in answer.body


def test_guesses_are_slowed_by_address_and_by_account(guard, people):
    for number in range(TRIES):
        Browser(guard, client=(f"203.0.113.{number}", 1)).sign_in("ada", "wrong")
    elsewhere = Browser(guard, client=("198.51.100.1", 1))
    slowed = elsewhere.sign_in("ADA")  # even the right one is not looked at
    assert (slowed.status, slowed.header("set-cookie")) == (429, [])
    assert int(slowed.header("retry-after")[0]) > 0
    assert elsewhere.sign_in("olga").status == 303
    for number in range(TRIES):
        elsewhere.sign_in(f"user-{number}", "wrong")
    assert elsewhere.sign_in("vic").status == 429


def test_signing_in_again_and_again_uses_up_nothing(browser):
    assert {browser.sign_in("ada").status for _ in range(TRIES * 2)} == {303}


@pytest.mark.parametrize("headers", [
    {"origin": None}, {"origin": "http://evil.example"}, {"origin": "null"},
    {"origin": None, "sec_fetch_site": "cross-site"}, {"origin": None, "sec_fetch_site": "same-site"},
])  # fmt: skip
def test_nobody_is_signed_in_by_a_page_of_others(browser, headers):
    answer = browser.post("/login", {"name": "ada", "password": "correct horse battery"}, **headers)
    assert (answer.status, answer.header("set-cookie")) == (403, [])


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(browser):
    browser.sign_in("ada")
    copy = browser.cookie
    assert browser.post("/logout", {"form_token": browser.form_token()}).status == 303
    assert browser.cookie == "waybill-3000="
    browser.cookie = copy
    assert browser.get("/").status == 303


def test_signing_out_needs_a_form_of_this_session(browser, guard):
    browser.sign_in("ada")
    other = Browser(guard)
    other.sign_in("olga")
    for token in ("", "x", other.form_token(), browser.form_token()[:-1]):
        assert browser.post("/logout", {"form_token": token}).status == 403
    assert browser.get("/").status == 200


def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(browser, guard):
    planted = Browser(guard)
    planted.sign_in("vic")
    browser.cookie = planted.cookie
    browser.sign_in("ada")
    assert browser.cookie != planted.cookie
    assert planted.get("/").status == 303  # and the one before it is over


@pytest.mark.parametrize("bent", [
    # not the last one: of base64's last character two bits say nothing
    lambda cookie: cookie[:-2] + ("A" if cookie[-2] != "A" else "B") + cookie[-1],
    lambda cookie: cookie.replace("=", "=A", 1),
    lambda cookie: cookie.rpartition(".")[0],
    lambda cookie: cookie.replace("waybill-3000", "waybill-3001"),
    lambda cookie: cookie.replace("waybill-3000", "__Host-waybill"),
])  # fmt: skip
def test_a_bent_cookie_is_none(browser, bent):
    browser.sign_in("ada")
    browser.cookie = bent(browser.cookie)
    assert browser.get("/").status == 303


def test_a_cookie_of_another_server_is_none(people, make_guard, browser):
    browser.sign_in("ada")
    other = Browser(make_guard())  # has a key of its own
    other.cookie = browser.cookie
    assert other.get("/").status == 303


def test_beside_cookies_of_others_the_right_one_is_found(browser):
    browser.sign_in("ada")
    browser.cookie = f"waybill-3000=x; a=b; {browser.cookie}; waybill-3000=y.z"
    assert browser.get("/").status == 200


@pytest.mark.parametrize("life", [session_life, session_idle_life])
@pytest.mark.parametrize("hours", ["", "0.5"])
def test_a_session_ends_by_itself(browser, monkeypatch, life, hours):
    for variable in ("WAYBILL_SESSION_HOURS", "WAYBILL_SESSION_IDLE_HOURS"):
        monkeypatch.setenv(variable, hours)
    browser.sign_in("ada")
    later = records.now() + life()
    monkeypatch.setattr(directory, "now", lambda: later)
    assert browser.get("/").status == 303


def test_another_password_ends_the_sessions_begun_with_the_old_one(browser, people):
    browser.sign_in("ada")
    set_password(people, SHELL, name="ada", password="another horse battery")
    assert browser.get("/").status == 303
    assert browser.sign_in("ada").status == 401
    assert browser.sign_in("ada", "another horse battery").status == 303


@pytest.mark.parametrize("wanted", [
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
    "evil.example", "", "/\t/evil.example", "/a\r\nSet-Cookie: a=b", "/login", "/login?next=/login", "/logout/",
    "/" + "a" * 3_000, " /data/", "http:/evil.example", "///evil.example", "/\x00",
])  # fmt: skip
def test_after_signing_in_nobody_is_led_elsewhere(browser, wanted):
    assert safe_target(wanted) == "/data/"
    assert browser.sign_in("ada", next=wanted).header("location") == ["/data/"]


@pytest.mark.parametrize("wanted", ["/", "/data/a?b=c#d", "/runs/ä", "/a//b", "/a?next=//b"])
def test_a_place_here_is_kept(wanted):
    assert safe_target(wanted) == wanted


def test_a_link_from_elsewhere_reaches_whoever_is_signed_in(browser):
    browser.sign_in("ada")
    cookie, browser.cookie = browser.cookie, ""  # a strict cookie stays at home
    from_elsewhere = {
        "sec_fetch_site": "cross-site",
        "sec_fetch_mode": "navigate",
        "sec_fetch_dest": "document",
    }
    shown = browser.get('/runs?q="><b>', **from_elsewhere)
    assert shown.status == 200
    assert b'content="0;url=/runs?q=&quot;&gt;&lt;b&gt;"' in shown.body
    browser.cookie = cookie
    assert browser.get("/runs").status == 200


def test_who_is_signed_in_already_goes_on(browser):
    browser.sign_in("ada")
    assert browser.get("/login?next=/runs").header("location") == ["/runs"]


@pytest.mark.parametrize(
    ("method", "content_type"),
    [("PUT", FORM), ("POST", "application/json"), ("POST", "text/plain")],
)
def test_the_form_takes_forms_only(guard, method, content_type):
    headers = {"origin": ORIGIN, "content-type": content_type}
    assert ask(guard, method, "/login", headers=headers).status in (405, 415)


def test_the_form_takes_no_large_body(guard):
    headers = {"origin": ORIGIN, "content-type": FORM}
    assert ask(guard, "POST", "/login", headers=headers, chunks=[b"x" * 900_000] * 3).status == 413


def test_tries_are_in_the_audit_log(browser, people):
    browser.sign_in("ada", "wrong")
    browser.sign_in("ada")
    browser.post("/logout", {"form_token": browser.form_token()})
    found = list_entries(people, LogFilter(action="session."))
    assert [(entry.action, entry.actor, entry.outcome, entry.address) for entry in found] == [
        ("session.close", "ada", "done", "127.0.0.1"),
        ("session.open", "ada", "done", "127.0.0.1"),
        ("session.open", "ada", "refused", "127.0.0.1"),
    ]


def test_cookies_parse_as_the_standard_has_it(browser):
    cookie = SimpleCookie(browser.sign_in("ada").header("set-cookie")[0])["waybill-3000"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", "")
