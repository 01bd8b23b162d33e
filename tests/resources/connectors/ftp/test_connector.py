from __future__ import annotations

import logging
import pickle
import socket
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from resources.connectors.files import tree_listing
from resources.connectors.ftp.connector import FtpConnector
from resources.connectors.ftp.settings import FtpSettings
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    SignInRefusedError,
    UntrustedServerError,
    WaybillError,
)
from tests.contract.file_connector import FileConnectorContract
from tests.resources.connectors.ftp.accounts import connect, listed, read
from tests.servers.certificates import make_certificates
from tests.servers.ftp import PASSWORD, running_ftp
from tests.servers.scripted_ftp import scripted_ftp


class TestFtpsContract(FileConnectorContract):
    """The suite of every file connector, with TLS."""

    unheld_characters = "\r\n"  # a name with a line break would be two commands


class TestOldFtpContract(FileConnectorContract):
    """The suite of every file connector, on a server that knows no MLSD."""

    unheld_characters = "\r\n"

    @pytest.fixture
    def connector(self, old_ftp, place):
        return connect(old_ftp, root=f"/{place.name}")

    @pytest.fixture
    def place(self, old_ftp, tmp_path):
        path = old_ftp.root / tmp_path.name
        path.mkdir()
        return path


def trace_of(error: WaybillError) -> str:
    """What the fanciest crash reporters show of it: locals of every frame below the test's own."""
    below = error.__traceback__ and error.__traceback__.tb_next
    while below is not None and "tests" in below.tb_frame.f_code.co_filename:
        below = below.tb_next
    trace = traceback.TracebackException(type(error), error, below, capture_locals=True)
    return "".join(trace.format())


def plain(port: int, **changes) -> FtpConnector:
    return FtpConnector(
        FtpSettings(
            "partner",
            "127.0.0.1",
            port,
            "u",
            lambda: PASSWORD,
            tls="none",
            timeout_seconds=5,
            **changes,
        )
    )


class TestTls:
    """T21, T22."""

    def test_implicit_tls(self, tmp_path, ftp_certificates, source):
        with running_ftp(tmp_path, "implicit", ftp_certificates) as server:
            connector = connect(server)
            assert connector.check().ok
            item = connector.put_file("x.csv", source)
            assert read(connector, item, tmp_path / "s") == source.read_bytes()

    def test_data_connections_resume_the_session(self, connector, outside, ftps, tmp_path):
        outside.put("x.csv", b"1")
        read(connector, next(connector.list_objects("*")), tmp_path / "s")
        assert ftps.resumed == [True, True]

    def test_data_is_protected(self, connector, ftps, outside):
        outside.put("x.csv", b"1")
        listed(connector)
        assert ftps.faults.commands.index("PROT P") < ftps.faults.commands.index("TYPE I")

    def test_an_unknown_authority(self, ftps):
        connector = connect(ftps, ca_file="")
        with pytest.raises(UntrustedServerError, match="certificate is not trusted") as caught:
            connector.stat("x")
        assert "ca_file" in str(caught.value)
        assert connector.check().steps[-1].name == "TLS"
        assert not any(line.startswith("PASS") for line in ftps.faults.commands)

    def test_a_certificate_for_another_name(self, tmp_path):
        certificates = make_certificates(tmp_path, names=("files.example.com",))
        (tmp_path / "root").mkdir()
        with (
            running_ftp(tmp_path / "root", "explicit", certificates) as server,
            pytest.raises(UntrustedServerError, match="for another name than 'localhost'"),
        ):
            connect(server).stat("x")

    def test_an_expired_certificate(self, tmp_path, monkeypatch):
        from datetime import UTC, datetime, timedelta

        from tests.servers import certificates as made

        class LongAgo(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(UTC) - timedelta(days=400)

        monkeypatch.setattr(made, "datetime", LongAgo)
        old = make_certificates(tmp_path)
        (tmp_path / "root").mkdir()
        expired = pytest.raises(UntrustedServerError, match="certificate has expired")
        with running_ftp(tmp_path / "root", "explicit", old) as server, expired:
            connect(server).stat("x")

    def test_a_server_without_tls_is_refused_before_the_password_is_sent(self, old_ftp):
        old_ftp.faults.commands.clear()
        connector = connect(old_ftp, tls="explicit")
        with pytest.raises(ConnectorError, match="offers no TLS") as caught:
            connector.stat("x")
        assert "insecure_plain_ftp: true" in str(caught.value)
        assert [line.split()[0] for line in old_ftp.faults.commands] == ["AUTH"]
        report = connector.check()
        assert (report.ok, report.steps[-1].name) == (False, "TLS")

    def test_plain_ftp_by_name_warns_once_a_run(self, old_ftp, caplog):
        connector = connect(old_ftp)
        with caplog.at_level(logging.WARNING):
            listed(connector)
            listed(connector)
        assert caplog.text.count("FTP without TLS") == 1

    def test_implicit_tls_at_a_port_for_explicit(self, ftps):
        with pytest.raises(ConfigError, match="does not begin with TLS"):
            connect(ftps, tls="implicit").stat("x")

    @pytest.mark.parametrize("content", [None, "no certificate"])
    def test_a_ca_file_that_is_none(self, ftps, tmp_path, content):
        path = tmp_path / "ca.pem"
        if content:
            path.write_text(content)
        with pytest.raises(ConfigError, match="ca_file"):
            connect(ftps, ca_file=str(path)).stat("x")
        assert not connect(ftps, ca_file=str(path)).check().ok


class TestCheck:
    """F036: what was tried, what answered, why it failed."""

    def steps(self, connector: FtpConnector) -> dict[str, bool]:
        report = connector.check()
        assert report.ok == all(step.ok for step in report.steps)
        assert all(step.detail and len(step.detail) <= 500 for step in report.steps)
        assert PASSWORD not in repr(report)
        return {step.name: step.ok for step in report.steps}

    def test_all_goes_well(self, connector):
        passed = ["name resolution", "port", "TLS", "login", "rights"]
        assert self.steps(connector) == dict.fromkeys(passed, True)
        assert connector.check().facts["writable"] == "yes"

    def test_an_account_that_may_not_write(self, tmp_path, source):
        with running_ftp(tmp_path, permissions="elr") as server:
            connector = connect(server)
            assert connector.check().facts["writable"] == "no"
            with pytest.raises(ConnectorAuthError, match=r"refuses.*x\.csv|x\.csv.*refuses"):
                connector.put_file("x.csv", source)

    def test_an_unknown_host(self, ftps):
        connector = connect(ftps, host="no-such-host.invalid")
        assert self.steps(connector) == {"name resolution": False}
        with pytest.raises(ConnectorUnavailableError, match="not known here"):
            connector.stat("x")

    def test_a_port_where_nothing_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        connector = plain(port)
        assert self.steps(connector) == {"name resolution": True, "port": False}
        with pytest.raises(ConnectorUnavailableError, match="nothing listens"):
            connector.stat("x")

    def test_a_wrong_password(self, ftps):
        connector = connect(ftps, password=lambda: "wrong")
        assert list(self.steps(connector).items())[-1] == ("login", False)
        with pytest.raises(SignInRefusedError, match="password was refused"):
            connector.stat("x")

    def test_a_root_that_is_missing(self, ftps, source):
        connector = connect(ftps, root="gone")
        assert list(self.steps(connector).items())[-1] == ("rights", False)
        for attempt in ("**", "x.csv", "a/*"):
            with pytest.raises(NotFoundError):
                listed(connector, attempt)
        with pytest.raises(NotFoundError):
            list(connector.browse())

    def test_a_folder_that_may_not_be_listed(self):
        """A closed folder is an error, a vanished one is not: the folder above tells which it is."""
        rows = {"/": [b"type=dir; closed\r\n"], "/closed": "550 cannot"}

        def script(verb, path):
            return rows.get(path, "550 cannot") if verb == "MLSD" else ""

        with scripted_ftp(script) as server:
            with pytest.raises(ConnectorAuthError, match="closed"):
                listed(plain(server.port))
            assert listed(plain(server.port), "other/*.csv") == []

    def test_no_ftp_at_all(self):
        with scripted_ftp(lambda verb, _: "", banner="SSH-2.0-OpenSSH_9") as server:
            assert list(self.steps(plain(server.port)).items())[-1] == ("TLS", False)

    def test_making_a_connector_does_nothing(self, monkeypatch):
        monkeypatch.setattr(socket, "socket", None)
        plain(1)


class TestSettings:
    @pytest.mark.parametrize(
        "changes",
        [
            {"host": ""},
            {"host": "ftp://x"},
            {"host": "a b"},
            {"port": 70_000},
            {"connections": 0},
            {"timeout_seconds": 0},
            {"root": "../x"},
            {"root": "a\r\nDELE x"},
            {"username": "a\nb"},
            {"password": lambda: f"{PASSWORD}\r\nDELE x"},
            {"ca_file": "x"},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_what_cannot_be_right(self, changes):
        with pytest.raises(ConfigError) as caught:
            FtpSettings(**{"name": "partner", "host": "h", "tls": "none", **changes})
        assert PASSWORD not in str(caught.value)

    def test_usual_ports(self):
        assert FtpSettings("p", "h").real_port == 21
        assert FtpSettings("p", "h", tls="implicit").real_port == 990


class TestKeys:
    """T19: nothing leads out of the root, and no name is a command."""

    @pytest.mark.parametrize("key", ["a\r\nDELE x", "a\nb", "a\rb"])
    def test_line_breaks(self, connector, ftps, source, key):
        with pytest.raises(InputError, match="line break"):
            connector.put_file(key, source)
        with pytest.raises(NotFoundError):
            connector.stat(key)
        assert listed(connector, key.replace("b", "*")) == []
        with pytest.raises(NotFoundError):
            list(connector.browse(key))
        assert not any(line.startswith("DELE") for line in ftps.faults.commands)

    @pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../x", "..", ""])
    def test_keys_that_climb(self, connector, ftps, key):
        ftps.faults.commands.clear()
        with pytest.raises(InputError):
            connector.stat(key)
        assert ftps.faults.commands == []

    def test_names_of_files_being_written(self, connector, place, source):
        with pytest.raises(InputError, match="kept for files being written"):
            connector.put_file("a/.waybill-0-1.part", source)
        (place / ".waybill-0-1.part").touch()
        assert listed(connector) == []
        with pytest.raises(NotFoundError):
            connector.stat(".waybill-0-1.part")

    def test_a_folder_is_in_the_way(self, connector, place, source):
        (place / "folder").mkdir()
        with pytest.raises(InputError, match="is a folder"):
            connector.put_file("folder", source)
        assert [path.name for path in place.iterdir()] == ["folder"]


class TestLinks:
    def test_links_that_lead_back_end(self, connector, place, outside, caplog):
        """The server shows links as what they lead to; its own names of folders tell them apart."""
        outside.put("a/x.csv", b"1")
        (place / "a" / "loop").symlink_to("..")
        (place / "a" / "self").symlink_to(".")
        with caplog.at_level(logging.WARNING):
            assert listed(connector) == ["a/x.csv"]
        assert "2 entries left out" in caplog.text
        assert "link to a folder above" in caplog.text

    def test_a_server_that_hides_its_loops(self):
        endless = scripted_ftp(lambda verb, _: [b"type=dir; a\r\n"] if verb == "MLSD" else "")
        with endless as server, pytest.raises(ConnectorError, match="folders deep"):
            listed(plain(server.port))

    def test_links_that_an_old_server_shows(self, caplog):
        rows = [
            b"total 3\r\n",
            b"lrwxrwxrwx   1 u g   9 Nov 21 10:00 link.csv -> /etc/passwd\r\n",
            b"-rw-r--r--   1 u g   5 Nov 21 10:00 x -> y.csv\r\n",
        ]
        answers = {
            "FEAT": "211-Features\r\n SIZE\r\n211 End",
            "LIST": rows,
            "SIZE": "213 5",
            "MDTM": "213 20260101000000",
        }
        with (
            scripted_ftp(lambda verb, _: answers.get(verb, "")) as server,
            caplog.at_level(logging.WARNING),
        ):
            (item,) = plain(server.port).list_objects("*")
        assert (item.key, item.size_bytes, item.modified_at.year) == ("x -> y.csv", 5, 2026)
        assert "link.csv" in caplog.text


class TestHostileServer:
    def test_names_that_are_none(self, caplog):
        """T19: they are left out, and named without what could break a line of the log (T35)."""
        names = [b"../x", b"/etc/passwd", b"..", b".", b"a/b", b"nul\0x", b"caf\xe9", b"n" * 2000]
        good = [b"esc\x1b[31m.csv", b"tab\t.csv", b"ok.csv", b"ok.csv"]
        rows = [
            b"type=file;size=1;modify=20260101000000; " + name + b"\r\n" for name in names + good
        ]
        script = {"MLSD": rows}
        with (
            scripted_ftp(lambda verb, _: script.get(verb, "")) as server,
            caplog.at_level(logging.WARNING),
        ):
            connector = plain(server.port)
            assert listed(connector) == ["esc\x1b[31m.csv", "ok.csv", "tab\t.csv"]
        left_out = caplog.records[-1].getMessage()
        assert f"{len(names)} entries" in left_out
        assert left_out.isprintable()

    def test_a_listing_without_end(self, monkeypatch):
        monkeypatch.setattr(tree_listing, "LIMIT_BYTES", 100_000)

        def endless():
            number = 0
            while True:
                number += 1
                yield b"type=file;size=1;modify=20260101000000; %09d\r\n" % number

        with (
            scripted_ftp(lambda verb, _: endless() if verb == "MLSD" else "") as server,
            pytest.raises(ConnectorError, match="more than can be put into order"),
        ):
            listed(plain(server.port))

    def test_a_line_without_end(self):
        def endless():
            while True:
                yield b"x" * 10_000

        with (
            scripted_ftp(lambda verb, _: endless() if verb == "MLSD" else "") as server,
            pytest.raises(ConnectorError, match="line without end"),
        ):
            listed(plain(server.port))

    @pytest.mark.parametrize(
        "reply",
        ["211-x\r\n" + " y\r\n" * 100_000 + "211 end", "9" * 20_000, "garbage", "227 (1,2)"],
        ids=["endless reply", "long line", "garbage", "other reply"],
    )
    def test_replies_that_make_no_sense(self, reply):
        with (
            scripted_ftp(lambda verb, _: reply if verb == "FEAT" else "") as server,
            pytest.raises(WaybillError) as caught,
        ):
            plain(server.port).stat("x")
        assert len(str(caught.value)) <= 500
        assert str(caught.value).isprintable()

    def test_a_listing_in_an_unknown_form(self):
        answers = {"FEAT": "502 no", "LIST": [b"file x.csv, five bytes\r\n"]}
        with (
            scripted_ftp(lambda verb, _: answers.get(verb, "")) as server,
            pytest.raises(ConnectorError, match="not understood"),
        ):
            listed(plain(server.port))

    def test_a_listing_that_is_cut_is_not_a_shorter_one(self):
        rows = [b"type=file;size=1;modify=20260101000000; a.csv\r\ntype=file;size=1;mod"]
        with (
            scripted_ftp(lambda verb, _: rows if verb == "MLSD" else "") as server,
            pytest.raises(ConnectorUnavailableError, match="cut"),
        ):
            listed(plain(server.port))

    def test_a_foreign_address_for_data_is_ignored(self):
        """The data connection goes to the server that signed us in, whatever PASV names."""
        rows = [b"type=file;size=1;modify=20260101000000; x.csv\r\n"]
        with scripted_ftp(lambda verb, _: rows if verb == "MLSD" else "") as server:
            server.passive = "227 Entering (203,0,113,7,{port})"
            assert listed(plain(server.port)) == ["x.csv"]

    def test_times_and_sizes_that_make_no_sense(self):
        facts = b"type=file;size=7;modify=99999999999999; x.csv\r\n"
        with scripted_ftp(lambda verb, _: [facts] if verb == "MLSD" else "") as server:
            (item,) = plain(server.port).list_objects("*")
        assert (item.modified_at.year, item.etag) == (1970, "7-99999999999999")

    @pytest.mark.parametrize("size", [50, 200], ids=["fewer bytes", "more bytes"])
    def test_a_size_that_is_a_lie(self, tmp_path, size):
        facts = "type=file;size=100;modify=20260101000000;"

        def script(verb, path):
            if verb == "MLST":
                return f"250-Listing\r\n {facts} {path}\r\n250 End"
            if verb == "FEAT":
                return "211-Features\r\n MLST type*;size*;modify*;\r\n211 End"
            return [b"x" * size] if verb == "RETR" else ""

        with scripted_ftp(script) as server:
            connector = plain(server.port)
            item = connector.stat("x.csv")
            with pytest.raises(ConnectorError, match=r"cut off after|changed while") as caught:
                read(connector, item, tmp_path / "s")
        assert "x.csv" in str(caught.value)
        assert list((tmp_path / "s").iterdir()) == []


class TestSecrets:
    """R10: the password appears nowhere."""

    def test_repr(self, connector):
        assert PASSWORD not in f"{connector!r} {vars(connector)} {connector.settings!r}"

    @pytest.mark.parametrize("verb", ["PASS", "FEAT", "TYPE", "MLST", "MLSD"])
    @pytest.mark.parametrize("code", ["530", "500", "421", "999"])
    def test_a_server_that_repeats_what_it_was_sent(self, verb, code, caplog, tmp_path):
        reply = f"{code} '{verb} {PASSWORD}' not understood\x1b[31m"
        with scripted_ftp(lambda v, _: reply if v == verb else "") as server:
            connector = plain(server.port)
            with caplog.at_level(logging.DEBUG):
                caught = []
                for attempt in (lambda: connector.stat("x"), lambda: listed(connector)):
                    try:
                        attempt()
                    except WaybillError as error:
                        caught.append(error)
                report = connector.check()
        assert caught or verb in ("FEAT", "MLST", "MLSD")
        for error in caught:
            assert PASSWORD not in str(error) + repr(error.facts)
            assert PASSWORD not in trace_of(error)
            assert PASSWORD not in str(pickle.loads(pickle.dumps(error)))
            assert "\x1b" not in str(error)
        assert PASSWORD not in caplog.text + repr(report)

    def test_a_connection_that_is_cut_after_the_password(self):
        with (
            scripted_ftp(lambda verb, _: None if verb == "PASS" else "") as server,
            pytest.raises(ConnectorUnavailableError) as caught,
        ):
            plain(server.port).stat("x")
        assert PASSWORD not in trace_of(caught.value)


class TestConnections:
    def test_eight_threads_share_four_connections(self, connector, outside, ftps, tmp_path):
        contents = {f"many/{i:02}.bin": bytes([i]) * 50_000 for i in range(24)}
        for key, content in contents.items():
            outside.put(key, content)
        ftps.faults.commands.clear()
        with ThreadPoolExecutor(8) as pool:
            found = dict(
                pool.map(
                    lambda item: (item.key, read(connector, item, tmp_path / "s")),
                    list(connector.list_objects("many/*")),
                )
            )
        assert found == contents
        assert sum(line.startswith("USER") for line in ftps.faults.commands) <= 4

    def test_a_server_that_takes_fewer(self, tmp_path, caplog):
        """421: fewer connections, no failure."""
        for i in range(12):
            (tmp_path / f"{i:02}.bin").write_bytes(bytes([i]) * 200_000)
        with running_ftp(tmp_path, max_connections=2) as server:
            connector = connect(server, connections=8)
            items = list(connector.list_objects("*.bin"))
            with (
                ThreadPoolExecutor(8) as pool,
                caplog.at_level(logging.WARNING),
            ):
                sizes = list(
                    pool.map(lambda item: len(read(connector, item, tmp_path / "s")), items)
                )
        assert sizes == [200_000] * 12

    def test_a_server_that_is_full(self):
        with (
            scripted_ftp(
                lambda verb, _: "421 Too many connections" if verb == "USER" else ""
            ) as server,
            pytest.raises(ConnectorUnavailableError, match="no more connections"),
        ):
            plain(server.port).stat("x")

    def test_an_idle_session_that_the_server_ended(self, monkeypatch):
        from resources.connectors.ftp import pool

        monkeypatch.setattr(pool, "ASK_AFTER_SECONDS", 0)
        facts = "250-Listing\r\n type=file;size=1;modify=20260101000000; /x.csv\r\n250 End"
        answers = {"NOOP": None, "MLST": facts}
        with scripted_ftp(lambda verb, _: answers.get(verb, "")) as server:
            connector = plain(server.port)
            assert connector.stat("x.csv") == connector.stat("x.csv")
        assert [line for line in server.commands if line.startswith(("USER", "NOOP"))] == [
            "USER u",
            "NOOP",
            "USER u",
        ]
