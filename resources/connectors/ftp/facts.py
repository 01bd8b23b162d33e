"""What FTP servers say of files, as text: MLSD's facts, and the listings of servers that know no MLSD."""

from __future__ import annotations

import ftplib
import hashlib
import re
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from resources.kernel.records import ObjectInfo

Kind = Literal["file", "folder", "link", "other", "self"]

_UNIX = re.compile(
    rb"([-dlbcps])[-rwxsStTl]{9}[+.@]?\s+\d+\s+\S+\s+\S+\s+(\d+)\s+\w{3}\s+\d{1,2}\s+(?:\d{4}|\d{1,2}:\d\d) (.+)",
    re.DOTALL,
)
_DOS = re.compile(rb"\d\d-\d\d-\d{2,4}\s+\d\d:\d\d(?:[AP]M)?\s+(<DIR>|\d+)\s+(.+)", re.DOTALL)
_UNIX_KINDS: dict[bytes, Kind] = {b"-": "file", b"d": "folder", b"l": "link"}
_TIME = re.compile(r"(\d{14})(?:\.(\d{1,6})\d*)?")
_MODIFY = re.compile(r"[\d.]{1,30}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FtpFacts(NamedTuple):
    """A file as the server describes it.

    Attributes:
        size: in bytes; -1 when the server does not say.
        modify: the server's text of its last change, `YYYYMMDDHHMMSS` with or without fractions, UTC; empty when it does not say.
        unique: the server's own name of this very file, where it has one; a replaced file has another.
    """

    kind: Kind
    size: int = -1
    modify: str = ""
    unique: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether size and time are there, without which a change would go unseen."""
        return self.kind == "file" and self.size >= 0 and bool(self.modify)

    def pack(self) -> bytes:
        """As few bytes as a listing of a million needs."""
        return f"{self.size} {self.modify} {self.unique}".encode()

    @classmethod
    def unpack(cls, packed: bytes) -> FtpFacts:
        """A file from `pack`."""
        size, modify, unique = packed.decode().split(" ")
        return cls("file", int(size), modify, unique)

    def describe(self, key: str) -> ObjectInfo:
        """The object at `key`; its etag is made of all that the server says of content and identity."""
        etag = f"{self.size:x}-{self.modify}" + (f"-{self.unique}" if self.unique else "")
        return ObjectInfo(key, self.size, etag, _parse_time(self.modify))


def parse_fact_line(line: bytes) -> tuple[bytes, FtpFacts]:
    """Name and facts from a line of MLSD, or of the middle of an answer to MLST.

    Raises:
        ftplib.error_proto: a line that is none.
    """
    text, blank, name = line.partition(b" ")
    if not blank:
        raise _not_understood(line)
    found: dict[str, str] = {}
    for fact in text.decode("latin-1").split(";"):
        label, _, value = fact.partition("=")
        found[label.lower()] = value
    size = found.get("size", "")
    modify = found.get("modify", "")
    return name, FtpFacts(
        _kind(found.get("type", "").lower()),
        int(size) if size.isascii() and size.isdigit() and len(size) < 19 else -1,
        modify if _MODIFY.fullmatch(modify) else "",
        _digest(found.get("unique", "")),
    )


def parse_list_line(line: bytes) -> tuple[bytes, FtpFacts] | None:
    """Name, kind and size from a line of LIST; None for the line that sums up.

    The times in it are rounded and of an unknown zone: they are not used.

    Raises:
        ftplib.error_proto: a form of listing that is not known.
    """
    unix = _UNIX.fullmatch(line)
    if unix:
        kind, name = _UNIX_KINDS.get(unix[1], "other"), unix[3]
        if kind == "link":
            name = name.partition(b" -> ")[0]
        return name, FtpFacts(kind, int(unix[2]))
    dos = _DOS.fullmatch(line)
    if dos:
        is_folder = dos[1] == b"<DIR>"
        return dos[2], FtpFacts("folder") if is_folder else FtpFacts("file", int(dos[1]))
    if re.fullmatch(rb"total \d+|", line):
        return None
    raise _not_understood(line)


def _not_understood(line: bytes) -> Exception:
    return ftplib.error_proto(f"a listing that is not understood: {line[:80]!r}")


def parse_features(reply: str) -> frozenset[str]:
    """The commands that FEAT lists, in capitals."""
    return frozenset(line.strip().upper() for line in reply.split("\n")[1:-1])


def _kind(kind: str) -> Kind:
    if kind in ("file", ""):
        return "file"
    if kind == "dir":
        return "folder"
    if kind in ("cdir", "pdir"):
        return "self"
    return "link" if "link" in kind else "other"


def _digest(unique: str) -> str:
    return hashlib.sha256(unique.encode("latin-1")).hexdigest()[:12] if unique else ""


def _parse_time(text: str) -> datetime:
    """A time of change for people; one that is none stands in the etag all the same."""
    found = _TIME.fullmatch(text)
    if not found:
        return _EPOCH
    digits = found[1]
    try:
        return datetime(  # strptime would take most of the time of a listing
            int(digits[:4]),
            int(digits[4:6]),
            int(digits[6:8]),
            int(digits[8:10]),
            int(digits[10:12]),
            int(digits[12:14]),
            int((found[2] or "0").ljust(6, "0")),
            UTC,
        )
    except ValueError:
        return _EPOCH
