"""SFTP for tests: asyncssh's server in a thread, on a free port of loopback, confined to one folder."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers.stamps import next_stamp

USERNAME = "loader"
PASSWORD = "canary-sftp-93be51d7-never-to-be-shown"
PASSPHRASE = "canary-passphrase-4d2a-never-to-be-shown"


class SftpServer:
    """A running server with one account, who may sign in by password or by `key`.

    Attributes:
        root: the account's folder on this machine, which it sees as `/`.
        host_key: the server's key, an `asyncssh.SSHKey`.
        key: a private key of the account.
        requests: names of requests served.
        attempts: who tried to sign in.
        names: what a folder is listed as, in place of what is in it.
        refused: the errors that requests are answered with, by name.
        before: what happens before requests are served, by name.
        closed: paths of files that the account may not open.
        most_read_bytes: where every file ends for those who read it.
    """

    def __init__(
        self, root: Path, *, version: int = 3, host_key: Any = None, port: int = 0
    ) -> None:
        import asyncssh

        self.root = root
        self.host_key = host_key or asyncssh.generate_private_key("ssh-ed25519")
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.requests: list[str] = []
        self.attempts: list[str] = []
        self.connections: list[Any] = []
        self.refused: dict[str, Exception] = {}
        self.before: dict[str, Any] = {}
        self.closed: set[bytes] = set()
        self.most_read_bytes: int | None = None
        self.names: list[bytes] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listening = self._run(self._listen(version, port))
        self.port = self._listening.get_port()

    @property
    def fingerprint(self) -> str:
        """Of the host key."""
        return str(self.host_key.get_fingerprint())

    def forgive(self) -> None:
        """Ends all faults."""
        self.refused.clear()
        self.before.clear()
        self.closed.clear()
        self.requests.clear()
        self.most_read_bytes = self.names = None

    def hang_up(self) -> None:
        """Ends every connection."""
        for connection in self.connections:
            self._loop.call_soon_threadsafe(connection.abort)
        self.connections.clear()

    def stop(self) -> None:
        """Closes every connection and the port."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self, version: int, port: int) -> Any:
        import asyncssh

        server = self

        class Account(asyncssh.SSHServer):
            def connection_made(self, connection: asyncssh.SSHServerConnection) -> None:
                server.connections.append(connection)

            def begin_auth(self, username: str) -> bool:
                server.attempts.append(username)
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == (USERNAME, PASSWORD)

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return username == USERNAME and key == server.key.convert_to_public()

        return await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=Account,
            server_host_keys=[self.host_key],
            sftp_factory=_files(server),
            sftp_version=version,
        )

    async def _end(self) -> None:
        self._listening.close()
        for connection in self.connections:
            connection.abort()
        await asyncio.sleep(0)  # their sockets close in this round
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)


def _files(server: SftpServer) -> Any:  # noqa: C901 - the requests of one small class
    import asyncssh

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: asyncssh.SSHServerChannel) -> None:
            super().__init__(channel, chroot=str(server.root).encode())

        def _serve(self, name: str, path: bytes = b"") -> None:
            server.requests.append(name)
            if name in server.before:
                server.before[name]()
            if name in server.refused:
                raise server.refused[name]
            if path in server.closed:
                raise asyncssh.SFTPPermissionDenied("Permission denied")

        def open(self, path, pflags, attrs):
            self._serve("open", path)
            return super().open(path, pflags, attrs)

        def open56(self, path, desired_access, flags, attrs):
            self._serve("open", path)
            return super().open56(path, desired_access, flags, attrs)

        def read(self, file_obj, offset, size):
            self._serve("read")
            if server.most_read_bytes is not None:
                size = max(0, min(size, server.most_read_bytes - offset))
            return super().read(file_obj, offset, size)

        def write(self, file_obj, offset, data):
            self._serve("write")
            return super().write(file_obj, offset, data)

        def posix_rename(self, oldpath, newpath):
            self._serve("posix_rename")
            return super().posix_rename(oldpath, newpath)

        def rename(self, oldpath, newpath):
            self._serve("rename")
            return super().rename(oldpath, newpath)

        async def scandir(self, path):
            self._serve("scandir")
            if server.names is not None:
                for name in server.names:
                    attrs = asyncssh.SFTPAttrs(size=1, mtime=1, atime=1, permissions=0o100644)
                    yield asyncssh.SFTPName(name, attrs=attrs)
                return
            async for name in super().scandir(path):
                yield name

    return Files


class OutsideSftp:
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
def running_sftp(root: Path, **options: Any) -> Iterator[SftpServer]:
    """A server for as long as the context lives."""
    server = SftpServer(root, **options)
    try:
        yield server
    finally:
        server.stop()


class SftpApart(NamedTuple):
    """A server in a process of its own."""

    port: int
    fingerprint: str


@contextmanager
def sftp_apart(root: Path) -> Iterator[SftpApart]:
    """A server for tests that fork: the thread of one in their own process may hold a lock in that moment, for good."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers.sftp", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    ) as process:
        assert process.stdout is not None
        port, fingerprint = process.stdout.readline().split()
        try:
            yield SftpApart(int(port), fingerprint)
        finally:
            assert process.stdin is not None
            process.stdin.close()  # its sign to end; it ends with this process, too
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()  # a child of ours that hangs keeps its input open


def _serve_until_told() -> None:
    with running_sftp(Path(sys.argv[1])) as server:
        print(server.port, server.fingerprint, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve_until_told()
