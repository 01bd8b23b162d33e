"""Users, tokens and the audit log as services: what a faces' rights alone would not refuse, and two people at once."""

import json
import threading

import pytest
import sqlalchemy as sa

from orchestration.services.access import passwords, sessions
from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.access.audit import (
    LogFilter,
    audited,
    list_entries,
    stream_csv,
    stream_json_lines,
)
from orchestration.services.access.passwords import hash_password, is_password
from orchestration.services.access.rights import RIGHTS, check_right
from orchestration.services.access.sessions import sign_in
from orchestration.services.access.tokens import create_token, list_tokens, revoke_token
from orchestration.services.access.users import (
    add_user,
    list_users,
    remove_user,
    set_disabled,
    set_password,
    set_role,
)
from resources.kernel.errors import ConflictError, ForbiddenError
from resources.stores.catalog.access.tables import SESSIONS
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config

SHELL = Actor("root", via="shell")
PASSWORD = "correct horse battery"


@pytest.fixture
def database(tmp_path, monkeypatch):
    monkeypatch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))
    found = CatalogDatabase(sqlite_config(tmp_path / "catalog.sqlite"))
    add_user(found, SHELL, name="ada", role=Role.ADMIN, password=PASSWORD)
    add_user(found, SHELL, name="olga", role=Role.OPERATOR, password=PASSWORD)
    return found


def test_nobody_makes_or_ends_tokens_of_others_but_an_admin(database):
    olga = Actor("olga", Role.OPERATOR, via="session")
    create_token(database, SHELL, user="ada", alias="a", scopes=[Scope.READ])
    with pytest.raises(ForbiddenError):
        create_token(database, olga, user="ada", alias="b", scopes=[Scope.READ])
    with pytest.raises(ForbiddenError):
        revoke_token(database, olga, user="ada", alias="a")
    create_token(database, olga, user="olga", alias="c", scopes=[Scope.READ])
    create_token(database, Actor("ada"), user="olga", alias="d", scopes=list(Scope))
    assert [(t.user, t.alias) for t in list_tokens(database)] == [
        ("ada", "a"),
        ("olga", "c"),
        ("olga", "d"),
    ]


def test_a_token_makes_none_that_is_wider_than_itself(database):
    narrow = Actor("ada (token n)", Role.ADMIN, frozenset({Scope.READ, Scope.WRITE}), "token")
    with pytest.raises(ForbiddenError, match="more scopes than its own"):
        create_token(database, narrow, user="ada", alias="w", scopes=list(Scope))


@pytest.mark.parametrize(
    "change",
    [
        lambda database: set_password(database, SHELL, name="ada", password="another one, long"),
        lambda database: set_disabled(database, SHELL, name="olga", is_disabled=True),
        lambda database: remove_user(database, SHELL, name="olga"),
    ],
    ids=["another password", "disabled", "removed"],
)
def test_nobody_comes_in_by_what_was_changed_while_the_password_was_hashed(
    database, monkeypatch, change
):
    name = "ada" if "ada" in str(change.__code__.co_consts) else "olga"

    def slow(password, kept):
        found = is_password(password, kept)
        change(database)
        return found

    monkeypatch.setattr(sessions, "is_password", slow)
    with pytest.raises(ForbiddenError, match="name or password is wrong"):
        sign_in(database, name=name, password=PASSWORD, address="")
    with database.read() as connection:
        assert connection.execute(sa.select(SESSIONS)).all() == []


def test_the_last_user_goes_at_a_shell_only(database):
    ada = Actor("ada", via="session")
    remove_user(database, ada, name="olga")
    with pytest.raises(ConflictError, match="only user"):
        remove_user(database, ada, name="ada")
    remove_user(database, SHELL, name="ada")


def test_two_admins_who_demote_each_other_leave_one(database):
    set_role(database, SHELL, name="olga", role=Role.ADMIN)
    gate, refused = threading.Barrier(2), []

    def demote(name):
        gate.wait()
        try:
            set_role(database, SHELL, name=name, role=Role.VIEWER)
        except ConflictError:
            refused.append(name)

    threads = [threading.Thread(target=demote, args=(name,)) for name in ("ada", "olga")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert [user.role for user in list_users(database)].count(Role.ADMIN) == 1


def test_what_fails_is_noted_with_its_reason_and_goes_on_failing(database):
    def remove():
        with audited(database, SHELL, "dataset.remove", "datasets/a") as change:
            change.before = {"rows": 3}
            raise ConflictError("it is in use", hint="Stop it")

    with pytest.raises(ConflictError):
        remove()
    (entry,) = list_entries(database, LogFilter(action="dataset.remove"))
    assert (entry.outcome, entry.detail, entry.before) == (
        "failed",
        "it is in use. Stop it",
        '{"rows": 3}',
    )


def test_what_comes_from_outside_is_kept_as_text_and_cut(database):
    hostile = Actor("<script>\0\ud800" + "x" * 1_000, via="session", address="a" * 500)
    with audited(database, hostile, "dataset.rename", "=cmd|' /C calc'!A0\r\nx") as change:
        change.after = "y" * 100_000
    (entry,) = list_entries(database, LogFilter(limit=1))
    assert len(entry.actor) < 300
    assert len(entry.after) < 21_000
    (_, line) = list(stream_csv(database, LogFilter(limit=1)))
    assert "'=cmd" in line
    (text,) = stream_json_lines(database, LogFilter(limit=1))
    assert json.loads(text)["subject"].startswith("=cmd")


def test_a_user_and_what_is_noted_of_it_are_there_both_or_neither(database):
    with pytest.raises(ConflictError):
        add_user(database, SHELL, name="ada", role=Role.VIEWER, password=PASSWORD)
    assert len(list_entries(database, LogFilter(action="user.add"))) == 2


@pytest.mark.parametrize("password", ["correct horse battery", "naïve café ☕☕☕", "x" * 500])
def test_a_password_is_known_again(password, monkeypatch):
    monkeypatch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))
    kept = hash_password(password)
    assert is_password(password, kept)
    assert not is_password(password + "!", kept) or len(password) == 500
    assert kept != hash_password(password)
    monkeypatch.setattr(passwords, "COST", passwords._Cost(5, 8, 1))
    assert is_password(password, kept)  # also after the cost was raised


@pytest.mark.parametrize("use_case", sorted(RIGHTS))
def test_a_viewer_changes_nothing_and_an_admin_may_everything(use_case):
    check_right(Actor("ada"), use_case)
    right = RIGHTS[use_case]
    with pytest.raises(ForbiddenError, match=use_case):
        check_right(Actor("x", Role.ADMIN, frozenset()), use_case)
    if right.scope is Scope.IMPORT:
        assert right.role is not Role.VIEWER


def test_a_use_case_without_a_right_is_for_admins():
    with pytest.raises(ForbiddenError):
        check_right(Actor("olga", Role.OPERATOR), "brand.new")
