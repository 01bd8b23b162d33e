from __future__ import annotations

import logging
import pickle
import socket
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

import asyncssh
import pytest

from resources.connectors.files import tree_listing
from resources.connectors.sftp.connector import SftpConnector
from resources.connectors.sftp.settings import SftpSettings
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    MissingDependencyError,
    NotFoundError,
    SignInRefusedError,
    WaybillError,
)
from tests.contract.file_connector import FileConnectorContract
from tests.resources.connectors.sftp.accounts import connect, listed, read
from tests.servers.scripted_ftp import scripted_ftp
from tests.servers.sftp import PASSPHRASE, PASSWORD, USERNAME, running_sftp


class TestSftpContract(FileConnectorContract):
    """The suite of every file connector, with the protocol's version of OpenSSH."""


class TestNewerSftpContract(FileConnectorContract):
    """The suite of every file connector, with a version that knows parts of a second."""

    @pytest.fixture
    def connector(self, newer_sftp, place):
        return connect(newer_sftp, root=f"/{place.name}")

    @pytest.fixture
    def place(self, newer_sftp, tmp_path):
        path = newer_sftp.root / tmp_path.name
        path.mkdir()
        return path


class TestHostKey:
    """T20: an unknown or changed key is refused; nothing is sent to such a server."""

    @pytest.fixture
    def signed_in(self, sftp):
        """Who tried to sign in."""
        sftp.attempts.clear()
        return sftp.attempts

    def test_a_pinned_line(self, sftp, place):
        line = sftp.host_key.export_public_key().decode()
        assert connect(sftp, root=place.name, host_key=line).check().ok

    def test_known_hosts(self, sftp, place, tmp_path):
        path = tmp_path / "known_hosts"
        line = sftp.host_key.export_public_key().decode()
        path.write_text(f"[127.0.0.1]:{sftp.port} {line}")
        assert connect(sftp, root=place.name, host_key="", known_hosts=str(path)).check().ok

    @pytest.mark.parametrize("known", ["nothing", "another key", "another type", "pinned", "line"])
    def test_refused(self, sftp, tmp_path, signed_in, known):
        other = asyncssh.generate_private_key("ssh-ed25519")
        rsa = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
        path = tmp_path / "known_hosts"
        key = {"another key": other, "another type": rsa}.get(known)
        changes = {"host_key": "", "known_hosts": ""}
        if key:
            line = key.export_public_key().decode()
            path.write_text(f"[127.0.0.1]:{sftp.port} {line}")
            changes["known_hosts"] = str(path)
        elif known == "pinned":
            changes["host_key"] = other.get_fingerprint()
        elif known == "line":
            changes["host_key"] = rsa.export_public_key().decode()
        connector = connect(sftp, **changes)
        with pytest.raises(ConfigError) as caught:
            connector.stat("x")
        text = str(caught.value)
        assert f"host_key: {sftp.fingerprint}" in text
        assert len(text) <= 500
        assert signed_in == []
        steps = connector.check().steps
        assert (steps[-1].name, steps[-1].ok) == ("host key", False)

    def test_the_keys_of_whoever_runs_this_do_not_count(self, sftp, tmp_path, monkeypatch):
        (tmp_path / ".ssh").mkdir()
        line = sftp.host_key.export_public_key().decode()
        (tmp_path / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{sftp.port} {line}")
        monkeypatch.setenv("HOME", str(tmp_path))
        with pytest.raises(ConfigError, match="unknown: neither"):
            connect(sftp, host_key="").stat("x")

    def test_a_known_hosts_file_that_is_missing(self, sftp, tmp_path):
        with pytest.raises(ConfigError, match="known_hosts"):
            connect(sftp, host_key="", known_hosts=str(tmp_path / "gone")).stat("x")


# Keys that tests throw away are made with few rounds, to be quick.
@pytest.mark.filterwarnings("ignore:Warning. bcrypt.kdf:UserWarning")
class TestSigningIn:
    @pytest.mark.parametrize("locked", [False, True], ids=["open", "with a passphrase"])
    @pytest.mark.parametrize("where", ["text", "file"])
    def test_a_private_key(self, sftp, place, tmp_path, locked, where):
        phrase = PASSPHRASE if locked else None
        text = sftp.key.export_private_key(passphrase=phrase, rounds=1).decode()
        changes = {"password": lambda: "", "passphrase": lambda: phrase or ""}
        if where == "file":
            (tmp_path / "key").write_text(text)
            changes["private_key_file"] = str(tmp_path / "key")
        else:
            changes["private_key"] = lambda: text
        assert connect(sftp, root=place.name, **changes).check().ok

    @pytest.mark.parametrize("phrase", ["", "wrong"])
    def test_a_wrong_passphrase(self, sftp, phrase):
        text = sftp.key.export_private_key(passphrase=PASSPHRASE, rounds=1).decode()
        connector = connect(sftp, private_key=lambda: text, passphrase=lambda: phrase)
        with pytest.raises(ConfigError, match="passphrase is missing or wrong"):
            connector.stat("x")

    def test_what_is_no_key(self, sftp, tmp_path):
        for changes in (
            {"private_key": lambda: PASSWORD},
            {"private_key_file": str(tmp_path / "gone")},
        ):
            with pytest.raises(ConfigError, match="private_key") as caught:
                connect(sftp, **changes).stat("x")
            assert PASSWORD not in str(caught.value)

    def test_a_wrong_password(self, sftp):
        connector = connect(sftp, password=lambda: "wrong")
        with pytest.raises(SignInRefusedError, match="was refused"):
            connector.stat("x")
        steps = connector.check().steps
        assert [step.name for step in steps] == ["name resolution", "port", "host key", "login"]
        assert [step.ok for step in steps] == [True, True, True, False]

    def test_an_unknown_host_and_a_closed_port(self, sftp):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for changes, words, step in (
            ({"host": "no-such-host.invalid"}, "not known here", "name resolution"),
            ({"port": port}, "nothing listens", "port"),
        ):
            connector = connect(sftp, **changes)
            with pytest.raises(ConnectorUnavailableError, match=words):
                connector.stat("x")
            report = connector.check()
            assert (report.ok, report.steps[-1].name) == (False, step)

    def test_no_ssh_at_all(self, sftp):
        with scripted_ftp(lambda verb, _: None, banner="220 FTP server") as other:
            connector = connect(sftp, port=other.port)
            with pytest.raises(ConnectorError):
                connector.stat("x")
            assert not connector.check().ok

    def test_without_the_library(self, sftp, monkeypatch):
        monkeypatch.setitem(sys.modules, "asyncssh", None)
        with pytest.raises(MissingDependencyError, match=r"waybill\[sftp\]"):
            connect(sftp).stat("x")

    def test_making_a_connector_does_nothing(self, monkeypatch):
        monkeypatch.setattr(socket, "socket", None)
        SftpConnector(SftpSettings("p", "h", username="u"))


class TestSettings:
    @pytest.mark.parametrize(
        "changes",
        [
            {"host": ""},
            {"host": "sftp://x"},
            {"port": 0},
            {"username": ""},
            {"timeout_seconds": 0},
            {"root": "../x"},
            {"host_key": "SHA256:short"},
            {"host_key": "ssh-ed25519 !!!"},
            {"host_key": "SHA256:" + "A" * 43, "known_hosts": "x"},
            {"private_key": lambda: PASSWORD, "private_key_file": "x"},
        ],
        ids="+".join,
    )
    def test_what_cannot_be_right(self, changes):
        with pytest.raises(ConfigError) as caught:
            SftpSettings(**{"name": "p", "host": "h", "username": "u", **changes})
        assert PASSWORD not in str(caught.value)


class TestNeverLeavesTheRoot:
    """T19: as a folder on this machine does it."""

    @pytest.fixture
    def elsewhere(self, sftp, tmp_path):
        path = sftp.root / f"{tmp_path.name}-elsewhere"
        path.mkdir()
        (path / "secret.csv").write_text("secret")
        return path

    @pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../x", "..", ""])
    def test_keys_that_climb(self, connector, sftp, key):
        with pytest.raises(InputError):
            connector.stat(key)
        assert sftp.requests == []

    def test_a_symlinked_file_that_leaves(self, connector, place, elsewhere, caplog):
        (place / "link.csv").symlink_to(f"../{elsewhere.name}/secret.csv")
        (place / "good.csv").touch()
        with caplog.at_level(logging.WARNING):
            assert listed(connector) == ["good.csv"]
        assert "leaves the folder" in caplog.text
        for attempt in (lambda: connector.stat("link.csv"), lambda: listed(connector, "link.csv")):
            with pytest.raises(InputError, match="leaves the folder"):
                attempt()

    def test_a_symlinked_folder_that_leaves(self, connector, place, elsewhere, tmp_path):
        (place / "out").symlink_to(f"../{elsewhere.name}")
        source = tmp_path / "source"
        source.write_bytes(b"new")
        assert listed(connector) == []
        for attempt in (
            lambda: listed(connector, "out/*.csv"),
            lambda: list(connector.browse("out")),
            lambda: connector.stat("out/secret.csv"),
            lambda: connector.put_file("out/new.csv", source),
            lambda: connector.put_file("out/deep/new.csv", source),
        ):
            with pytest.raises(InputError, match="leaves the folder"):
                attempt()
        assert [path.name for path in elsewhere.iterdir()] == ["secret.csv"]

    def test_put_over_a_symlink_replaces_the_symlink(self, connector, place, elsewhere, tmp_path):
        (place / "link.csv").symlink_to(f"../{elsewhere.name}/secret.csv")
        (tmp_path / "source").write_bytes(b"new")
        connector.put_file("link.csv", tmp_path / "source")
        assert (elsewhere / "secret.csv").read_text() == "secret"
        assert (place / "link.csv").read_bytes() == b"new"

    def test_symlinks_that_stay_inside(self, connector, place, outside, tmp_path):
        outside.put("real/x.csv", b"1")
        (place / "link.csv").symlink_to("real/x.csv")
        (place / "folder").symlink_to("real")
        assert listed(connector) == ["link.csv", "real/x.csv"]  # nothing twice through a wildcard
        assert listed(connector, "folder/*.csv") == ["folder/x.csv"]
        assert [entry.path for entry in connector.browse()] == ["folder/", "link.csv", "real/"]
        item = connector.stat("link.csv")
        assert item.etag == connector.stat("real/x.csv").etag
        assert read(connector, item, tmp_path / "s") == b"1"

    def test_loops_and_dangling_symlinks_end(self, connector, place):
        (place / "a").mkdir()
        (place / "a" / "loop").symlink_to("..")
        (place / "self").symlink_to("self")
        (place / "nowhere").symlink_to("gone")
        (place / "x.csv").touch()
        assert listed(connector) == ["x.csv"]

    def test_a_folder_is_in_the_way(self, connector, place, tmp_path):
        (place / "folder").mkdir()
        (tmp_path / "source").write_bytes(b"new")
        with pytest.raises(InputError, match="is a folder"):
            connector.put_file("folder", tmp_path / "source")
        assert [path.name for path in place.iterdir()] == ["folder"]


class TestListing:
    def test_a_root_that_is_missing(self, sftp):
        connector = connect(sftp, root="gone")
        for pattern in ("**", "x.csv", "a/*"):
            with pytest.raises(NotFoundError, match="no folder 'gone'"):
                listed(connector, pattern)
        report = connector.check()
        assert (report.ok, report.steps[-1].name) == (False, "rights")

    def test_a_folder_that_may_not_be_listed(self, connector, sftp, outside):
        outside.put("a/x.csv", b"1")
        sftp.refused["scandir"] = asyncssh.SFTPPermissionDenied("no")
        with pytest.raises(ConnectorAuthError, match="permission denied"):
            listed(connector)

    def test_names_that_are_none(self, connector, sftp, caplog):
        """T19, T35."""
        bad = [b"../x", b"/etc/passwd", b"a/b", b"caf\xe9", b"n" * 2000]
        sftp.names = [*bad, b"esc\x1b[31m.csv", b"ok.csv", b"ok.csv"]
        with caplog.at_level(logging.WARNING):
            assert listed(connector) == ["esc\x1b[31m.csv", "ok.csv"]
        message = caplog.records[-1].getMessage()
        assert f"{len(bad)} entries" in message
        assert message.isprintable()

    def test_a_folder_that_is_too_large(self, connector, sftp, monkeypatch):
        monkeypatch.setattr(tree_listing, "LIMIT_BYTES", 50_000)
        sftp.names = [b"%06d" % i for i in range(1_000)]
        with pytest.raises(ConnectorError, match="more than can be put into order"):
            listed(connector)

    def test_what_is_no_regular_file(self, connector, place, caplog):
        import os

        os.mkfifo(place / "pipe.csv")
        with caplog.at_level(logging.WARNING):
            assert listed(connector) == []
        assert "not a regular file" in caplog.text
        with pytest.raises(NotFoundError):
            connector.stat("pipe.csv")


class TestSecrets:
    """R10: no secret appears anywhere."""

    def test_repr(self, sftp):
        connector = connect(
            sftp, private_key=lambda: "canary-key-text", passphrase=lambda: PASSPHRASE
        )
        shown = f"{connector!r} {vars(connector)} {connector.settings!r} {vars(connector._client)}"
        for secret in (PASSWORD, PASSPHRASE, "canary-key-text"):
            assert secret not in shown

    @pytest.mark.parametrize("fault", ["wrong password", "broken key", "unknown host key"])
    def test_errors_logs_and_traces(self, sftp, caplog, fault):
        changes = {
            "wrong password": {"password": lambda: PASSPHRASE},
            "broken key": {"private_key": lambda: PASSPHRASE},
            "unknown host key": {"host_key": ""},
        }[fault]
        connector = connect(sftp, **changes)
        caplog.set_level(logging.DEBUG, logger="asyncssh")
        with caplog.at_level(logging.DEBUG), pytest.raises(WaybillError) as caught:
            connector.stat("x")
        error = caught.value
        below = error.__traceback__.tb_next
        trace = traceback.TracebackException(type(error), error, below, capture_locals=True)
        report = connector.check()
        for secret in (PASSWORD, PASSPHRASE):
            for text in (
                str(error),
                repr(error.facts),
                "".join(trace.format()),
                str(pickle.loads(pickle.dumps(error))),
                caplog.text,
                repr(report),
            ):
                assert secret not in text


class TestOneConnection:
    def test_eight_threads_share_it(self, connector, outside, sftp, tmp_path):
        contents = {f"many/{i:02}.bin": bytes([i]) * 100_000 for i in range(24)}
        for key, content in contents.items():
            outside.put(key, content)
        sftp.attempts.clear()
        items = list(connector.list_objects("many/*"))
        with ThreadPoolExecutor(8) as pool:
            found = dict(
                pool.map(lambda item: (item.key, read(connector, item, tmp_path / "s")), items)
            )
        assert found == contents
        assert sftp.attempts == [USERNAME]

    def test_a_connection_that_the_server_ended(self, connector, outside, sftp):
        outside.put("x.csv", b"1")
        connector.stat("x.csv")
        sftp.hang_up()
        assert connector.stat("x.csv").size_bytes == 1

    def test_a_fork_has_a_connection_of_its_own(self, connector, outside):
        from tests.faults import run_forked

        outside.put("x.csv", b"1")
        connector.stat("x.csv")
        assert run_forked(lambda: connector.stat("x.csv").size_bytes).answer == 1
        assert connector.stat("x.csv").size_bytes == 1

    def test_nothing_is_left_running(self, sftp, place):
        import gc
        import threading

        connector = connect(sftp, root=place.name)
        connector.check()
        thread = connector._client._thread
        assert thread in threading.enumerate()
        del connector
        gc.collect()
        thread.join(10)
        assert not thread.is_alive()


def test_the_whole_of_a_new_server(tmp_path):
    """Parts of a second make etags of servers that know them."""
    with running_sftp(tmp_path, version=4) as server:
        (tmp_path / "x.csv").write_bytes(b"1")
        assert "." in connect(server).stat("x.csv").etag
