"""One control connection: Python's `ftplib` where it is too trusting, made strict.

Certificates are verified, data connections resume the control connection's TLS session (servers that guard against
stolen data connections require it), replies are bounded, names go out as UTF-8 and come back byte for byte.
"""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl

CONNECT_SECONDS = 10.0
_CLOSE_SECONDS = 5.0
_REPLY_LINES = 500


class DataConnectionError(OSError):
    """The server answers, but the connection for data to the port that it named does not come about."""


class Control(ftplib.FTP_TLS):
    """A connection to an FTP server, before or after signing in.

    Replies are decoded as Latin-1, which keeps every byte: `reply.encode("latin-1")` is what the server sent.

    Args:
        context: verifies the server.
        read_seconds: the longest silence.
    """

    def __init__(self, context: ssl.SSLContext, read_seconds: float) -> None:
        super().__init__(context=context, encoding="latin-1", timeout=CONNECT_SECONDS)
        self._read_seconds = read_seconds

    def open(self, host: str, port: int, *, tls_first: bool) -> None:
        """Connects and reads the greeting; with `tls_first` the connection is TLS from its first byte."""
        self.host, self.port = host, port
        connection = socket.create_connection((host, port), CONNECT_SECONDS)
        self.timeout = self._read_seconds
        connection.settimeout(self._read_seconds)
        self.sock = (
            self.context.wrap_socket(connection, server_hostname=host) if tls_first else connection
        )
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The connection's TLS, if it has it."""
        return self.sock if isinstance(self.sock, ssl.SSLSocket) else None

    def putline(self, line: str) -> None:
        """Sends one command; a text that would be two is refused, as it is everywhere before."""
        if any(c in line for c in "\r\n\0"):
            raise ValueError("a command of more than one line")
        if self.sock is None:
            raise EOFError
        self.sock.sendall((line + ftplib.CRLF).encode())

    def getmultiline(self) -> str:
        """A whole reply; one without end is an error."""
        line: str = self.getline()
        if not line[:3].isdigit():
            raise ftplib.error_proto(line)
        if line[3:4] != "-":
            return line
        lines = [line]
        while not (lines[-1][:3] == line[:3] and lines[-1][3:4] != "-"):
            if len(lines) > _REPLY_LINES:
                raise ftplib.error_proto(f"a reply of more than {_REPLY_LINES} lines")
            lines.append(self.getline())
        return "\n".join(lines)

    def open_data(self, command: str, offset: int = 0) -> socket.socket:
        """The data connection of `command`, which begins at byte `offset`.

        The address that a server names for it is ignored: data comes from where the control connection leads.
        """
        host, port = self.makepasv()
        if not 0 < port < 65_536:
            raise ftplib.error_proto(f"port {port} for data")
        try:
            connection = socket.create_connection((host, port), CONNECT_SECONDS)
        except OSError as error:
            raise DataConnectionError(f"port {port}: {error.strerror or error}") from error
        try:
            connection.settimeout(self._read_seconds)
            if offset:
                self.sendcmd(f"REST {offset}")
            reply = self.sendcmd(command)
            if reply[0] == "2":  # some servers say 200 before they say 150
                reply = self.getresp()
            if reply[0] != "1":
                raise ftplib.error_reply(reply)
            if self.tls is not None:
                return self.context.wrap_socket(
                    connection, server_hostname=self.host, session=self.tls.session
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def end_data(self, connection: socket.socket) -> None:
        """Says goodbye on a data connection: without it a server may take what it got for cut off."""
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(_CLOSE_SECONDS)
            with contextlib.suppress(
                OSError
            ):  # servers that hang up at once; the reply to come tells
                connection.unwrap()
        connection.close()
