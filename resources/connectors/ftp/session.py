"""One signed-in session with an FTP server: its commands as functions. Errors are the vendor's; nothing is retried here.

Paths are absolute, without line breaks. Every transfer is binary and passive.
"""

from __future__ import annotations

import contextlib
import ftplib
import itertools
import time
from collections.abc import Callable, Generator, Iterable
from typing import Protocol

from resources.connectors.ftp.control import Control
from resources.connectors.ftp.errors import SignInError, bare, is_crowded, says_denied
from resources.connectors.ftp.facts import (
    FtpFacts,
    parse_fact_line,
    parse_features,
    parse_list_line,
)
from resources.connectors.ftp.settings import FtpSettings
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import ConnectorError

_BLOCK_BYTES = 256 << 10
_LINE_BYTES = 16 << 10
_GLANCE_LINES = 1000
_WANTED_FACTS = ("type", "size", "modify", "unique", "perm")


class Names(Protocol):
    """What takes the entries of a folder, as `FolderNames` does."""

    def add(self, name: bytes, facts: bytes, *, is_folder: bool) -> None:
        """A file or folder."""

    def skip(self, name: bytes, reason: str) -> None:
        """What is neither."""


class FtpSession:
    """A signed-in connection.

    Attributes:
        home: the folder that the account starts in.
        features: what the server says that it can do.
        used_at: when it was last given back, by the monotonic clock.
    """

    def __init__(self, control: Control, home: str, features: frozenset[str]) -> None:
        self.control = control
        self.home = home
        self.features = features
        self.used_at = time.monotonic()
        self.has_facts = any(feature.startswith("MLST") for feature in features)
        self.can_resume = "REST STREAM" in features
        self.list_command = "LIST"

    def close(self) -> None:
        """Hangs up. A session may be in the middle of anything, so there is no goodbye to wait for."""
        with contextlib.suppress(OSError):
            self.control.close()

    def answers(self) -> bool:
        """Whether the server still holds the session open."""
        try:
            self.control.voidcmd("NOOP")
        except (ftplib.Error, OSError, EOFError):
            return False
        return True

    def stat(self, path: str) -> FtpFacts | None:
        """What stands at `path`; None for what is no file."""
        if self.has_facts:
            facts = self.facts(path)
            if facts is None or facts.kind == "folder":
                return None
            if facts.is_complete:
                return facts
        try:
            size = self.control.voidcmd(f"SIZE {path}")
            modify = self.control.voidcmd(f"MDTM {path}")
        except ftplib.error_perm as error:
            if str(error)[:3] == "550" and not says_denied(error):
                return None
            raise
        return FtpFacts("file", int(size[4:].strip()), modify[4:].strip())

    def facts(self, path: str) -> FtpFacts | None:
        """What the server says of a file or folder; None when there is none, or when it knows no MLST."""
        if not self.has_facts:
            return None
        try:
            return parse_fact_line(self._fact_line(path).encode("latin-1"))[1]
        except ftplib.error_perm as error:
            if str(error)[:3] in ("550", "501", "553") and not says_denied(error):
                return None
            raise

    def read_folder(self, path: str, names: Names) -> None:
        """Adds what stands in the folder to `names`."""
        for name, facts in self._entries(path):
            _add(names, name, facts)

    def is_empty(self, path: str) -> bool:
        """Whether nothing stands in the folder."""
        listed = self._entries(path)
        found = next(listed, None)
        listed.close()
        return found is None

    def find_list_command(self) -> None:
        """Has LIST show hidden files, where it understands that: then the folder itself is listed too."""
        if self.has_facts:
            return
        try:
            with contextlib.closing(self._lines("LIST -a")) as lines:
                first = itertools.islice(lines, _GLANCE_LINES)
                names = [entry[0] for entry in map(parse_list_line, first) if entry]
        except (ftplib.error_perm, ftplib.error_temp):
            return
        if b"." in names:
            self.list_command = "LIST -a"

    def is_folder(self, path: str) -> bool:
        """Whether a folder stands at `path` that may be entered."""
        try:
            self.control.voidcmd(f"CWD {path}")
        except ftplib.error_perm:
            return False
        return True

    def may_create(self, path: str) -> bool | None:
        """Whether the account may create files in the folder; None when the server does not say."""
        if not self.has_facts:
            return None
        line = self._fact_line(path).lower().partition(" ")[0]
        found = next((fact for fact in line.split(";") if fact.startswith("perm=")), "")
        return "c" in found if found else None

    def retrieve(self, path: str, offset: int, sink: Callable[[memoryview], None]) -> None:
        """Hands the file's bytes from `offset` on to `sink`."""
        connection = self.control.open_data(f"RETR {path}", offset)
        try:
            view = memoryview(bytearray(_BLOCK_BYTES))
            while count := connection.recv_into(view):
                sink(view[:count])
        except BaseException:
            connection.close()
            raise
        self.control.end_data(connection)
        self.control.voidresp()

    def retrieve_part(self, path: str, offset: int, length: int) -> bytes:
        """The file's bytes from `offset` on, at most `length`: then the transfer is broken off, and the session is as good as before."""
        connection = self.control.open_data(f"RETR {path}", offset)
        got = bytearray()
        try:
            while len(got) < length and (
                block := connection.recv(min(length - len(got), _BLOCK_BYTES))
            ):
                got += block
        except BaseException:  # whatever ends the reading ends the transfer
            connection.close()
            raise
        if len(got) < length:
            self.control.end_data(connection)
            self.control.voidresp()
        else:
            connection.close()  # the server says that its transfer was cut, or that it was done with it
            with contextlib.suppress(ftplib.error_temp, ftplib.error_perm):
                self.control.getresp()
        return bytes(got)

    def store(self, path: str, blocks: Iterable[bytes]) -> None:
        """Writes a file of this content."""
        connection = self.control.open_data(f"STOR {path}")
        try:
            for block in blocks:
                connection.sendall(block)
        except BaseException:
            connection.close()
            raise
        self.control.end_data(connection)
        self.control.voidresp()

    def rename(self, old: str, new: str) -> None:
        """Renames a file; servers differ in whether one that is there already is replaced."""
        self.control.rename(old, new)

    def delete(self, path: str) -> None:
        """Deletes a file."""
        self.control.voidcmd(f"DELE {path}")

    def make_folders(self, path: str) -> None:
        """Makes the folder and those above it, as far as they are missing."""
        if self.is_folder(path):
            return
        above = path.rpartition("/")[0]
        if above:
            self.make_folders(above)
        try:
            self.control.voidcmd(f"MKD {path}")
        except ftplib.error_perm:
            if not self.is_folder(path):  # another client may have made it at the same moment
                raise

    def _fact_line(self, path: str) -> str:
        reply = self.control.sendcmd(f"MLST {path}").split("\n")
        return next((line.lstrip(" ") for line in reply[1:-1] if "=" in line), "")

    def _entries(self, path: str) -> Generator[tuple[bytes, FtpFacts], None, None]:
        if not self.has_facts:
            self.control.voidcmd(f"CWD {path}")  # LIST with a path would read wildcards in it
        command = f"MLSD {path}" if self.has_facts else self.list_command
        parse = parse_fact_line if self.has_facts else parse_list_line
        with contextlib.closing(self._lines(command)) as lines:
            for entry in filter(None, map(parse, lines)):
                name, facts = entry
                if facts.kind != "self" and (self.has_facts or name not in (b".", b"..")):
                    yield name, facts

    def _lines(self, command: str) -> Generator[bytes, None, None]:
        """The lines of a listing, as they arrive."""
        connection = self.control.open_data(command)
        try:
            rest = b""
            while block := connection.recv(_BLOCK_BYTES):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    yield line.removesuffix(b"\r")
                if len(rest) > _LINE_BYTES:
                    raise ftplib.error_proto("a listing with a line without end")
            if rest:
                raise EOFError  # a listing ends with a line's end: this one was cut
        except GeneratorExit:
            connection.close()  # enough was seen; the server says that its transfer was cut
            with contextlib.suppress(ftplib.Error):
                self.control.getresp()
            raise
        except BaseException:
            connection.close()
            raise
        self.control.end_data(connection)
        self.control.voidresp()


def open_session(settings: FtpSettings, stages: Stages) -> FtpSession:
    """Connects, verifies the server, signs in.

    Raises:
        ConfigError: a `ca_file` that is none.
        ConnectorError: a server without TLS; the password was not sent.
        SignInError: the account was refused.
        ftplib.Error, OSError, EOFError: what else the network or the server refuses.
    """
    control = Control(settings.tls_context(), settings.timeout_seconds)
    try:
        _greet(control, settings, stages)
        stages.enter("login")
        home, features = _sign_in(control, settings)
        stages.done(f"user {settings.username!r} may sign in; starts in {home!r}")
        session = FtpSession(control, home, features)
        session.find_list_command()
    except BaseException:
        control.close()
        raise
    return session


def _greet(control: Control, settings: FtpSettings, stages: Stages) -> None:
    stages.enter("TLS")
    control.open(settings.host, settings.real_port, tls_first=settings.tls == "implicit")
    if settings.tls == "explicit":
        try:
            control.auth()
        except ftplib.error_perm as error:
            raise ConnectorError(
                f"connector {settings.name!r}: {settings.address} offers no TLS"
                f" ({settings.redact(str(error))}); the password was not sent",
                hint="Turn TLS on there, use SFTP, or, if everybody on the way may read password and data,"
                " set `insecure_plain_ftp: true`",
                connector=settings.name,
            ) from bare(error, settings)
    if control.tls is None:
        stages.done(
            "none: `insecure_plain_ftp: true`, anybody on the way can read password and data"
        )
        return
    cipher = control.tls.cipher()
    stages.done(
        f"{control.tls.version()} {cipher[0] if cipher else ''}, the certificate holds for {settings.host}"
    )


def _sign_in(control: Control, settings: FtpSettings) -> tuple[str, frozenset[str]]:
    try:
        control.login(settings.username, settings.password(), secure=False)
    except ftplib.error_perm as error:
        if is_crowded(error):
            raise
        raise SignInError(str(error)[:3]) from None  # some servers repeat what they were sent
    if control.tls is not None:
        control.prot_p()
    features = _features(control)
    if "UTF8" in features:
        with contextlib.suppress(ftplib.error_perm):  # many have it on and refuse the switch
            control.voidcmd("OPTS UTF8 ON")
    offered = next((feature for feature in features if feature.startswith("MLST")), "")
    if offered:
        known = offered.lower().replace("*", "").partition(" ")[2].split(";")
        wanted = [fact for fact in _WANTED_FACTS if fact in known]
        with contextlib.suppress(
            ftplib.error_perm
        ):  # then the facts are those that it gives anyway
            control.voidcmd(f"OPTS MLST {';'.join(wanted)};")
    control.voidcmd("TYPE I")
    return control.pwd().encode("latin-1").decode(errors="replace"), features


def _features(control: Control) -> frozenset[str]:
    try:
        return parse_features(control.sendcmd("FEAT"))
    except ftplib.error_perm:
        return frozenset()


def _add(names: Names, name: bytes, facts: FtpFacts) -> None:
    if facts.kind == "link":
        names.skip(name, "a link, and the server does not say where it leads")
    elif facts.kind == "other":
        names.skip(name, "not a regular file")
    else:
        names.add(name, facts.pack(), is_folder=facts.kind == "folder")
