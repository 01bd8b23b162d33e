"""Forms carry a token of the session in which they were shown, as their first field or in a header."""

from urllib.parse import urlencode

import pytest

from orchestration.server.guard.forms import FormTokens
from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import FORM, ORIGIN, Browser

MULTIPART = "multipart/form-data; boundary=b"


def multipart(*fields):
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, value, more in fields
    ]
    return ("".join(parts) + "--b--\r\n").encode()


FILE = ("file", "a,b\r\n1,2", '; filename="x.csv"')


@pytest.fixture
def sent(browser, inner):
    """Sends a form in a session, with its right token filled in."""
    browser.sign_in("ada")
    browser.get("/data/")
    right = inner.tokens[-1]

    def send(body, kind=FORM, **headers):
        given = {"origin": ORIGIN, "content-type": kind, "cookie": browser.cookie, **headers}
        pieces = body if isinstance(body, list) else [body]
        chunks = [piece.replace(b"RIGHT", right.encode()) for piece in pieces]
        return ask(browser.app, "POST", "/data/x", headers=given, chunks=chunks).status

    send.token = right
    return send


@pytest.mark.parametrize(("fields", "status"), [
    ({"form_token": "RIGHT", "name": "x"}, 200),
    ({"name": "x", "form_token": "RIGHT"}, 200),
    ({"name": "x"}, 403),
    ({"form_token": ""}, 403),
    ({"form_token": "wrong"}, 403),
    ({"Form_Token": "RIGHT"}, 403),
    ([("form_token", "RIGHT"), ("form_token", "wrong")], 403),
])  # fmt: skip
def test_a_form(sent, fields, status):
    assert sent(urlencode(fields).encode()) == status


@pytest.mark.parametrize(("fields", "status"), [
    ([("form_token", "RIGHT", ""), FILE], 200),
    ([FILE, ("form_token", "RIGHT", "")], 403),
    ([FILE], 403),
    ([("form_token", "wrong", ""), FILE], 403),
    ([], 403),
])  # fmt: skip
def test_a_form_with_a_file(sent, inner, fields, status):
    body = multipart(*fields)
    assert sent(body, MULTIPART) == status
    if status == 200:
        assert inner.bodies[-1] == body.replace(b"RIGHT", sent.token.encode())


@pytest.mark.parametrize("size", [1, 7, 60])
def test_a_form_in_pieces_arrives_whole(sent, inner, size):
    body = multipart(("form_token", sent.token, ""), FILE)
    assert sent([body[n : n + size] for n in range(0, len(body), size)], MULTIPART) == 200
    assert inner.bodies[-1] == body


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
    ],
)
def test_a_form_that_is_none_is_refused(sent, kind):
    assert sent(multipart(("form_token", "RIGHT", "")), kind) == 403


def test_a_first_field_without_end_is_not_read_to_its_end(sent):
    endless = [
        b'--b\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n',
        *[b"x" * 30_000] * 100,
    ]
    assert sent(endless, MULTIPART) == 403


def test_a_script_sends_it_in_a_header(sent):
    assert sent(b"a=b", **{"x-form-token": sent.token}) == 200
    assert sent(multipart(FILE), MULTIPART, **{"x-form-token": sent.token}) == 200
    assert sent(b"a=b", **{"x-form-token": "wrong"}) == 403


def test_the_token_of_somebody_else_is_worth_nothing(sent, browser, guard, inner):
    other = Browser(guard)
    other.sign_in("olga")
    other.get("/data/")
    assert inner.tokens[-1] != sent.token
    assert sent(b"form_token=" + inner.tokens[-1].encode()) == 403


def test_the_only_user_of_the_machine_has_one_too(make_guard, inner):
    app = make_guard()
    ask(app, path="/data/")
    headers = {"origin": ORIGIN, "content-type": FORM}
    body = urlencode({"form_token": inner.tokens[0]}).encode()
    assert ask(app, "POST", "/data/x", headers=headers, body=body).status == 200
    assert ask(app, "POST", "/data/x", headers=headers, body=b"a=b").status == 403


@pytest.mark.parametrize("given", ["", "ä", "\ud800", "x" * 100_000])
def test_nonsense_is_no_token(given):
    assert FormTokens(b"key").check("me", given).status == 403
