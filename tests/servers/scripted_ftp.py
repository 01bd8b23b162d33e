"""An FTP server on loopback that answers by script: to lie, to flood, to fall silent, to repeat secrets."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

Reply = str | Iterable[bytes] | None
"""A line of the control connection; bytes for a data connection; None hangs up."""

FEATURES = "211-Features\r\n MLST type*;size*;modify*;\r\n REST STREAM\r\n UTF8\r\n211 End"
_USUAL = {
    "USER": "331 password",
    "PASS": "230 in",
    "FEAT": FEATURES,
    "OPTS": "200 ok",
    "TYPE": "200 ok",
    "PWD": '257 "/"',
    "CWD": "250 ok",
    "NOOP": "200 ok",
    "MLST": "250-Listing\r\n type=dir; /\r\n250 End",
}


class ScriptedFtp:
    """Answers `script(verb, argument)`; where that is empty, as a peaceful server would.

    Attributes:
        commands: what clients sent.
        passive: the text of the answer to PASV; `{port}` in it as two numbers.
    """

    def __init__(self, script: Callable[[str, str], Reply], banner: str = "220 ready") -> None:
        self._script = script
        self._banner = banner
        self.commands: list[str] = []
        self.passive = "227 Entering (127,0,0,1,{port})"
        self._ends = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Closes the port."""
        self._ends.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            connection.sendall(self._banner.encode() + b"\r\n")
            data: socket.socket | None = None
            for raw in connection.makefile("rb"):
                line = raw.decode(errors="replace").rstrip("\r\n")
                self.commands.append(line)
                verb, _, argument = line.partition(" ")
                if verb == "PASV":
                    data = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                    port = data.getsockname()[1]
                    connection.sendall(
                        self.passive.format(port=f"{port >> 8},{port & 255}").encode() + b"\r\n"
                    )
                    continue
                reply = self._script(verb, argument)
                if reply == "":
                    reply = _USUAL.get(verb, "500 unknown")
                if reply is None:
                    return
                if isinstance(reply, str):
                    connection.sendall(reply.encode() + b"\r\n")
                elif data is not None:
                    self._send(connection, data, reply)

    def _send(
        self, connection: socket.socket, listener: socket.socket, blocks: Iterable[bytes]
    ) -> None:
        connection.sendall(b"150 coming\r\n")
        with listener, listener.accept()[0] as data, contextlib.suppress(OSError):
            for block in blocks:
                if self._ends.is_set():
                    break
                data.sendall(block)
        connection.sendall(b"226 done\r\n")


@contextmanager
def scripted_ftp(
    script: Callable[[str, str], Reply], banner: str = "220 ready"
) -> Iterator[ScriptedFtp]:
    """A server for as long as the context lives."""
    server = ScriptedFtp(script, banner)
    try:
        yield server
    finally:
        server.stop()
