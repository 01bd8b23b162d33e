"""FTP and FTPS for tests: pyftpdlib in a thread, on free ports of loopback, with faults on its data connections.

What no good server says is in `scripted_ftp.py`.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from tests.servers.certificates import Certificates, make_certificates
from tests.servers.stamps import next_stamp

USERNAME = "loader"
PASSWORD = "canary-ftp-7c1e0b42-never-to-be-shown"


@dataclass
class Faults:
    """What goes wrong on data connections.

    Attributes:
        cut_after: bytes of one RETR after which its connection ends; None for never.
        cuts: how many RETRs are cut.
        stall_after: bytes of one RETR after which nothing comes any more.
        refuse_rename_over: RNTO to a file that is there is refused, as Windows servers do.
        keep_at_most: bytes of an upload that are kept.
    """

    cut_after: int | None = None
    cuts: int = 1_000_000
    stall_after: int | None = None
    refuse_rename_over: bool = False
    keep_at_most: int | None = None
    commands: list[str] = field(default_factory=list)


class FtpServer:
    """A running server with one account.

    Attributes:
        root: the account's folder on this machine.
        resumed: for each data connection whether it resumed the TLS session of its control connection.
        sent: bytes of files that went out, whole or in part.
        authorizer: who may do what.
    """

    def __init__(
        self,
        root: Path,
        certificates: Certificates | None,
        tls: Literal["none", "explicit", "implicit"],
        *,
        mlsd: bool = True,
        max_connections: int = 256,
        permissions: str = "elradfmwMT",
    ) -> None:
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.ioloop import IOLoop
        from pyftpdlib.servers import FTPServer

        self.root = root
        self.tls = tls
        self.certificates = certificates
        self.faults = Faults()
        self.resumed: list[bool] = []
        self.sent = 0
        self.authorizer = DummyAuthorizer()
        self.authorizer.add_user(USERNAME, PASSWORD, str(root), perm=permissions)
        handler = _handler(self, certificates, tls, mlsd=mlsd)
        handler.authorizer = self.authorizer
        handler.log_transfer = self._note_transfer  # type: ignore[attr-defined]
        self._loop = IOLoop()
        self._server = FTPServer(("127.0.0.1", 0), handler, ioloop=self._loop)
        self._server.max_cons = max_connections
        self.port = self._server.socket.getsockname()[1]
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Closes every connection and the port."""
        self._ends.set()
        self._thread.join(10)
        self._server.close_all()

    def _note_transfer(self, *, receive: bool, bytes: int, **_told: object) -> None:  # noqa: A002 - the server's word
        self.sent += 0 if receive else bytes

    def _serve(self) -> None:
        while not self._ends.is_set():
            self._loop.loop(timeout=0.01, blocking=False)


def _handler(  # noqa: C901 - the methods of two small classes
    server: FtpServer, certificates: Certificates | None, tls: str, *, mlsd: bool
) -> type:
    from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler

    base, data_base = (
        (FTPHandler, DTPHandler) if tls == "none" else (TLS_FTPHandler, TLS_DTPHandler)
    )

    class Data(data_base):  # type: ignore[misc, valid-type]
        def send(self, data: bytes) -> int:
            faults, sent = server.faults, self.tot_bytes_sent
            if self.cmd == "RETR" and faults.cut_after is not None and faults.cuts > 0:
                if sent >= faults.cut_after:
                    faults.cuts -= 1
                    raw = socket.fromfd(self.socket.fileno(), socket.AF_INET, socket.SOCK_STREAM)
                    raw.shutdown(socket.SHUT_RDWR)
                    raw.close()
                    self._resp = ("426 Connection closed; transfer aborted.", self.cmd_channel.log)
                    self.close()
                    return 0
                data = data[: faults.cut_after - sent]
            if self.cmd == "RETR" and faults.stall_after is not None:
                data = data[: max(0, faults.stall_after - sent)]
                if not data:
                    return 0
            return int(super().send(data))

        def handle_ssl_established(self) -> None:
            super().handle_ssl_established()
            server.resumed.append(bool(_session_reused(self.socket)))

    class Handler(base):  # type: ignore[misc, valid-type]
        dtp_handler = Data
        banner = "ready"
        auth_failed_timeout = 0
        use_sendfile = False
        timeout = 600

        def handle(self) -> None:
            if tls == "implicit":
                self.secure_connection(self.ssl_context)
            super().handle()

        def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
            server.faults.commands.append(f"{cmd} {arg}".strip())
            super().pre_process_command(line, cmd, arg)

        def ftp_RNTO(self, path: str) -> object:  # noqa: N802 - named by the protocol
            if server.faults.refuse_rename_over and Path(path).exists():
                self._rnfr = None
                return self.respond("550 Cannot create a file when that file already exists.")
            return super().ftp_RNTO(path)

        def on_file_received(self, file: str) -> None:
            if server.faults.keep_at_most is not None:
                os.truncate(file, min(server.faults.keep_at_most, Path(file).stat().st_size))

    if tls != "none":
        assert certificates is not None
        Handler.certfile = str(certificates.certificate)
        Handler.keyfile = str(certificates.key)
        Handler.ssl_context = None
        Handler.tls_control_required = tls == "explicit"
        Handler.tls_data_required = True
        Handler.ssl_context = Handler.get_ssl_context()
        Handler.ssl_context.set_session_id(b"waybill-tests")
    if not mlsd:
        Handler.proto_cmds = {
            name: command
            for name, command in Handler.proto_cmds.items()
            if name not in ("MLSD", "MLST", "OPTS")
        }
    return Handler


def _session_reused(connection: object) -> bool:
    from OpenSSL import SSL

    library = SSL._lib
    return bool(library.SSL_session_reused(connection._ssl))  # type: ignore[attr-defined]


class OutsideFtp:
    """Another program on the server's machine. Each file that it writes is a second younger than the last one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, content: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(".beside")
        beside.write_bytes(content)
        stamp = next_stamp()
        os.utime(beside, (stamp, stamp))
        beside.replace(path)

    def delete(self, key: str) -> None:
        (self.root / key).unlink()


@contextmanager
def running_ftp(
    root: Path,
    tls: Literal["none", "explicit", "implicit"] = "none",
    certificates: Certificates | None = None,
    **options: object,
) -> Iterator[FtpServer]:
    """A server for as long as the context lives."""
    server = FtpServer(root, certificates, tls, **options)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def ftp_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority of our own and a certificate for this machine."""
    return make_certificates(tmp_path_factory.mktemp("ftp-certificates"))
