"""When the web UI asks for a password by itself, and what is made for it."""

import os
import pwd
import stat
import subprocess

import pytest

from orchestration.server import password
from orchestration.server.password import other_users, require_password
from orchestration.server.settings import PASSWORD_VARIABLE
from resources.kernel.errors import ConfigError


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "")


def given() -> str:
    return os.environ[PASSWORD_VARIABLE]


def account(name, uid, shell="/bin/bash"):
    return pwd.struct_passwd((name, "x", uid, uid, "", f"/home/{name}", shell))


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        pytest.param([account("root", 0), account("daemon", 1, "/bin/sh")], set(), id="container"),
        pytest.param([account("ada", 1000)], {"ada"}, id="another person"),
        pytest.param([account("www", 1000, "/usr/sbin/nologin")], set(), id="no login"),
        pytest.param([account("nobody", 65534)], set(), id="nobody"),
        pytest.param(
            [account("me", os.getuid() or 1000)], {"me"} if not os.getuid() else set(), id="me"
        ),
    ],
)
def test_who_counts_as_another_user(monkeypatch, accounts, expected):
    monkeypatch.setattr(password.pwd, "getpwall", lambda: accounts)
    monkeypatch.setattr(password, "_uids_at_work", lambda: iter([0, os.getuid(), 33]))
    assert other_users() == expected


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start another user's process")
def test_a_process_of_somebody_else_is_seen_without_an_account(monkeypatch):
    monkeypatch.setattr(password.pwd, "getpwall", list)
    with subprocess.Popen(["/bin/sleep", "600"], user=4711) as other:
        assert "4711" in other_users()
        other.kill()
    assert "4711" not in other_users()


def test_alone_no_password_is_asked_for(tmp_path):
    assert require_password(tmp_path, others=[]) == []
    assert given() == ""
    assert list(tmp_path.iterdir()) == []


def test_beside_others_one_is_made_kept_and_told(tmp_path):
    said = require_password(tmp_path, others=["ada", "bob"])
    made = given()
    assert len(made) >= 32
    assert "ada, bob" in said[0]
    file = tmp_path / "ui-password"
    assert str(file) in said[1]
    assert made not in "".join(said)  # it would stand in a log that others may read
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() == made
    os.environ[PASSWORD_VARIABLE] = ""
    require_password(tmp_path, others=["ada"])
    assert given() == made


def test_one_of_the_users_own_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "mine")
    assert require_password(tmp_path, others=["ada"]) == []
    assert given() == "mine"


def test_going_without_is_said(tmp_path):
    (said,) = require_password(tmp_path, wanted=False, others=["ada"])
    assert "can open the web UI and act as you" in said
    assert given() == ""


@pytest.mark.parametrize("how", ["readable", "empty", "link"])
def test_a_password_that_others_know_or_chose_is_refused(tmp_path, how):
    file = tmp_path / "ui-password"
    if how == "link":
        (tmp_path / "theirs").write_text("known")
        file.symlink_to("theirs")
    else:
        file.write_text("" if how == "empty" else "known")
        file.chmod(0o644 if how == "readable" else 0o600)
    with pytest.raises(ConfigError, match="no secret of yours alone"):
        require_password(tmp_path, others=["ada"])


def test_a_home_that_everybody_may_write_to_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="every user of this machine may write"):
        require_password(tmp_path, others=[])
