"""`waybill user`, `token` and `audit`, as they are used at a shell."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from orchestration.cli.main import app
from orchestration.services.access import passwords
from orchestration.services.access.actor import Role
from orchestration.services.access.directory import Directory
from orchestration.services.access.shell import open_access, own_name

PASSWORD = "correct horse battery"


@pytest.fixture
def waybill(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("WAYBILL_CATALOG_URL", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))

    def run(*arguments, stdin="", code=0):
        result = CliRunner().invoke(app, arguments, input=stdin)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


@pytest.fixture
def ada(waybill):
    waybill("user", "add", "ada", "--role", "admin", stdin=f"{PASSWORD}\n")


def test_users_are_made_changed_and_removed(waybill, ada):
    waybill("user", "add", "olga", stdin=f"{PASSWORD}\n")
    waybill("user", "role", "olga", "operator")
    waybill("user", "disable", "olga")
    found = {user["name"]: user for user in json.loads(waybill("user", "list", "--json").stdout)}
    assert (found["olga"]["role"], found["olga"]["is_disabled"]) == ("operator", True)
    assert "password" not in found["olga"]
    waybill("user", "enable", "olga")
    waybill("user", "password", "olga", stdin="another horse battery")
    waybill("user", "remove", "olga")
    assert waybill("user", "remove", "ada").stderr.startswith("warning: there is no user any more")
    assert json.loads(waybill("user", "list", "--json").stdout) == []


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a\n", "-a", "ä", "a" * 65, "<b>", "a'"])
def test_a_name_that_will_not_do(waybill, name):
    waybill("user", "add", "--role", "admin", "--", name, stdin=f"{PASSWORD}\n", code=1)


@pytest.mark.parametrize("password", ["", "short", "ada-ada", "x" * 501])
def test_a_password_that_will_not_do(waybill, password):
    result = waybill("user", "add", "ada", "--role", "admin", stdin=password, code=1)
    assert "password" in result.stderr
    if password:
        assert password not in result.output


def test_a_password_is_no_argument(waybill):
    waybill("user", "add", "ada", PASSWORD, code=2)
    waybill("user", "add", "ada", "--password", PASSWORD, code=2)


@pytest.mark.parametrize(
    "arguments", [("role", "ada", "viewer"), ("disable", "ada"), ("remove", "ada")]
)
def test_an_admin_is_left(waybill, ada, arguments):
    waybill("user", "add", "olga", stdin=f"{PASSWORD}\n")
    assert "only admin" in waybill("user", *arguments, code=1).stderr


def test_the_first_user_is_an_admin(waybill):
    assert "Make an admin first" in waybill("user", "add", "olga", stdin=PASSWORD, code=1).stderr


def test_a_user_that_is_not_there_is_told_with_those_that_are(waybill, ada):
    result = waybill("user", "role", "adda", "viewer", code=2)
    assert "Did you mean 'ada'?" in result.stderr


def test_a_token_is_shown_once_and_works_until_it_is_revoked(waybill, ada, tmp_path):
    secret = waybill(
        "token", "create", "ada", "nightly", "--scope", "read", "--days", "9"
    ).stdout.strip()
    directory = Directory(open_access())
    assert directory.bearer_of_token(secret, "").role is Role.ADMIN
    listed = waybill("token", "list", "--json").stdout
    (token,) = json.loads(listed)
    assert (token["user"], token["alias"], token["scopes"]) == ("ada", "nightly", ["read"])
    assert secret not in listed
    kept = b"".join(
        path.read_bytes() for path in tmp_path.rglob("catalog.sqlite*") if path.is_file()
    )
    assert secret.encode() not in kept
    assert PASSWORD.encode() not in kept
    waybill("token", "pause", "ada", "nightly")
    assert directory.bearer_of_token(secret, "") is None
    assert "paused" in waybill("token", "list").stdout
    waybill("token", "resume", "ada", "nightly")
    assert directory.bearer_of_token(secret, "").role is Role.ADMIN
    waybill("token", "revoke", "ada", "nightly")
    assert directory.bearer_of_token(secret, "") is None


@pytest.mark.parametrize(("arguments", "code"), [
    (("ada", "nightly"), 1), (("bob", "x"), 2), (("ada", "x\ny"), 1), (("ada", "x", "--days", "0"), 1), (("ada", "x", "--scope", "all"), 2),
])  # fmt: skip
def test_a_token_that_will_not_do(waybill, ada, arguments, code):
    waybill("token", "create", "ada", "nightly")
    waybill("token", "create", *arguments, code=code)


def test_the_log_tells_who_changed_what(waybill, ada):
    waybill("user", "add", "olga", stdin=PASSWORD)
    waybill("user", "role", "olga", "operator")
    waybill("token", "create", "olga", "t", "--scope", "import")
    (entry,) = json.loads(waybill("audit", "list", "--json", "--action", "user.role").stdout)
    assert (entry["actor"], entry["via"], entry["subject"]) == (own_name(), "shell", "olga")
    assert (json.loads(entry["before"]), json.loads(entry["after"])) == (
        {"role": "viewer"},
        {"role": "operator"},
    )
    text = waybill("audit", "list", "--csv", "--action", "user.").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["action"] for row in rows] == ["user.role", "user.add", "user.add"]
    assert json.loads(waybill("audit", "list", "--json", "--user", "olga").stdout) == []
    assert json.loads(waybill("audit", "list", "--json", "--until", "2020-01-01").stdout) == []
    assert (
        len(
            json.loads(
                waybill("audit", "list", "--json", "--since", "2020-01-01", "--limit", "2").stdout
            )
        )
        == 2
    )
    waybill("audit", "list", "--since", "yesterday", code=2)
    assert "user.role" in waybill("audit", "list").stdout
