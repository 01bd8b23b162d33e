"""One SSH connection, in an event loop of its own thread, for all threads of a connector.

SFTP answers many requests at once on one channel, so eight downloads need no eight connections.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from resources.connectors.sftp.errors import is_a, refused_host_key
from resources.connectors.sftp.remote import Remote
from resources.connectors.sftp.settings import SftpSettings
from resources.kernel.errors import ConfigError, MissingDependencyError

_T = TypeVar("_T")

_SFTP_VERSION = 4
"""The highest asked for: 3 is what OpenSSH speaks, 4 knows parts of a second."""

_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
"""Tried first where the server knows them: 160 MB/s in place of 110."""


_END_SECONDS = 2.0


class HostKey:
    """What the server showed of itself.

    Attributes:
        fingerprint: `SHA256:...`, empty before it showed anything.
    """

    def __init__(self) -> None:
        self.fingerprint = ""
        self.algorithm = "unknown type"


async def open_connection(settings: SftpSettings, seen: HostKey) -> Any:
    """A connection to the server that is who it should be, signed in.

    Raises:
        ConfigError: an unknown or changed host key; a private key that cannot be used.
        asyncssh.Error, OSError: what else the server or the network refuses.
    """
    import asyncssh

    try:
        return await asyncssh.connect(
            settings.host,
            settings.port,
            client_factory=_client_class(settings, seen),
            known_hosts=_known_hosts(settings),
            server_host_key_algs=settings.host_key_algorithms or (),
            encryption_algs=_CIPHERS,
            username=settings.username,
            password=settings.password() or None,
            client_keys=_client_keys(settings),
            agent_path=None,
            config=None,
            x509_trusted_certs=None,
            connect_timeout=settings.timeout_seconds,
            login_timeout=settings.timeout_seconds,
        )
    except asyncssh.HostKeyNotVerifiable:
        raise refused_host_key(settings, seen.fingerprint, seen.algorithm) from None
    except asyncssh.KeyExchangeFailed as error:
        if "host key" not in str(error):
            raise
        await _look_at_host_key(settings, seen)
        raise refused_host_key(settings, seen.fingerprint, seen.algorithm) from None


def _client_class(settings: SftpSettings, seen: HostKey) -> Any:
    """What asyncssh tells of the server's key, and asks whether it is the one expected."""
    import asyncssh

    class Client(asyncssh.SSHClient):
        def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
            self._connection = conn

        def validate_host_public_key(
            self,
            host: str,  # noqa: ARG002 - asyncssh names the parameters
            addr: str,  # noqa: ARG002
            port: int,  # noqa: ARG002
            key: asyncssh.SSHKey,
        ) -> bool:
            """Asked about keys that `known_hosts` does not vouch for."""
            note_host_key(seen, key)
            return bool(settings.pinned) and seen.fingerprint == settings.pinned

        def auth_completed(self) -> None:
            note_host_key(seen, self._connection.get_server_host_key())

    return Client


def note_host_key(seen: HostKey, key: Any) -> None:
    """Remembers what the server showed."""
    if key is not None:
        seen.fingerprint = str(key.get_fingerprint())
        seen.algorithm = str(key.get_algorithm())


async def _look_at_host_key(settings: SftpSettings, seen: HostKey) -> None:
    """Notes the key of a server that has none of the kind that is known; nothing is sent to it."""
    import asyncssh

    key = await asyncssh.get_server_host_key(settings.host, settings.port, config=None)
    note_host_key(seen, key)


def _known_hosts(settings: SftpSettings) -> Any:
    if not settings.known_hosts:
        return (
            [],
            [],
            [],
        )  # none at all; anything empty would mean the file of the user who runs this
    try:
        Path(settings.known_hosts).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"connector {settings.name!r}: `known_hosts:` {settings.known_hosts!r} cannot be read: {error.strerror}",
            hint="Make it with `ssh-keyscan`, after comparing the fingerprint with the operator's",
        ) from error
    return settings.known_hosts


def _client_keys(settings: SftpSettings) -> list[Any] | None:
    import asyncssh

    if not settings.private_key_file and not settings.private_key():
        return None
    field = "private_key_file" if settings.private_key_file else "private_key"
    try:
        if settings.private_key_file:
            key = asyncssh.read_private_key(
                settings.private_key_file, settings.passphrase() or None
            )
        else:
            key = asyncssh.import_private_key(settings.private_key(), settings.passphrase() or None)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        is_locked = is_a(error, "KeyEncryptionError") or "assphrase" in str(error)
        reason = "the passphrase is missing or wrong" if is_locked else "it is no private key"
    else:
        return [key]
    raise ConfigError(
        f"connector {settings.name!r}: `{field}:` cannot be used: {reason}",
        hint="Give a private key as OpenSSH writes it, whole with its line ends, and its passphrase if it has one",
    )


class SftpClient:
    """The connection of one connector: made when first used, made again when it broke.

    Args:
        settings: where to and as whom.
    """

    def __init__(self, settings: SftpSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0
        self._connection: Any = None
        self._sftp: Any = None
        self._connecting: asyncio.Lock | None = None
        self.seen = HostKey()

    def run(self, ask: Callable[[Remote], Awaitable[_T]]) -> _T:
        """What `ask` makes of the server's channel, from any thread.

        Raises:
            MissingDependencyError: asyncssh is not installed.
            TimeoutError: silence; the connection is given up.
            Exception: what `ask` or connecting raises.
        """
        loop = (
            self._running_loop()
        )  # first: where it cannot be made, the coroutine would never be awaited
        future: Future[_T] = asyncio.run_coroutine_threadsafe(self._ask(ask), loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Hangs up and ends the thread."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None and self._process == os.getpid():
            loop.call_soon_threadsafe(self._hang_up)
            loop.call_soon_threadsafe(loop.stop)
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join(_END_SECONDS)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._process != os.getpid():  # a fork has no threads
                _require_library()
                self._process = os.getpid()
                self._connection = self._sftp = None
                self._loop = asyncio.new_event_loop()
                self._connecting = asyncio.Lock()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="sftp", daemon=True
                )
                self._thread.start()
            return self._loop

    async def _ask(self, ask: Callable[[Remote], Awaitable[_T]]) -> _T:
        sftp = await self._connected()

        def give_up() -> None:
            if sftp is self._sftp:
                self._hang_up()

        return await ask(Remote(sftp, self._settings.timeout_seconds, give_up))

    async def _connected(self) -> Any:
        assert self._connecting is not None  # noqa: S101 - made with the loop that runs this
        async with self._connecting:
            if self._connection is None or self._connection.is_closed():
                self._connection = await open_connection(self._settings, self.seen)
                self._sftp = None
            if self._sftp is None:
                self._sftp = await asyncio.wait_for(
                    self._connection.start_sftp_client(
                        path_encoding=None, sftp_version=_SFTP_VERSION
                    ),
                    self._settings.timeout_seconds,
                )
            return self._sftp

    def _hang_up(self) -> None:
        connection, self._connection, self._sftp = self._connection, None, None
        if connection is not None:
            connection.abort()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    finally:
        loop.close()


def _require_library() -> None:
    try:
        import asyncssh  # noqa: F401 - whether it is there
    except ImportError as error:
        raise MissingDependencyError(
            "asyncssh", extra="sftp", purpose="an SFTP connector"
        ) from error
