"""ZIP archives: which member is meant, and a safe copy of it (T7-T10).

A member is never extracted by its own name: its bytes go into a scratch file that we name. What the directory of the
archive says is checked before a byte is unpacked, and what comes out is counted against it. Archives in archives are
not opened.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from resources.formats.columns import listed
from resources.formats.compression import read_blocks
from resources.formats.files import SourceFile
from resources.formats.unpacking import check_room
from resources.kernel.errors import ConfigError, InputError, ParseError

MAX_ENTRIES = 100_000
_COPY_BYTES = 1024 * 1024
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED = 0x1
_DRIVE = re.compile(r"[A-Za-z]:(/|$)")
_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_IGNORED = re.compile(r"(^|/)(__MACOSX/|\.[^/]*$|Thumbs\.db$|desktop\.ini$)")


def is_zip(path: Path) -> bool:
    """Whether the file begins as a ZIP archive does."""
    with path.open("rb") as opened:
        return opened.read(4) in _MAGIC


@dataclass(frozen=True)
class MemberChoice:
    """Which members of an archive to read."""

    pattern: str = ""
    """A member's name, or a glob over them; empty: the only data file."""
    endings: Sequence[str] = ()
    """What the names of data files end in; empty: any name."""

    def pick(self, infos: Sequence[zipfile.ZipInfo], archive: str) -> list[zipfile.ZipInfo]:
        """The members meant, in order of name.

        Raises:
            ConfigError: none, or several where one was expected; names them.
        """
        files = sorted(
            (one for one in infos if not _is_folder(one) and not _IGNORED.search(_plain_name(one))),
            key=_plain_name,
        )
        names = [_plain_name(info) for info in files]
        if self.pattern:
            matches = _glob(self.pattern)
            found = [
                info
                for info, name in zip(files, names, strict=True)
                if self.pattern in (name, info.filename) or matches(name)
            ]
            if not found:
                raise ConfigError(
                    f"{archive}: no member matches {self.pattern!r}",
                    hint=f"It holds {listed(names)}" if names else "It holds no file",
                    file=archive,
                )
            return found
        data = (
            [i for i in files if i.filename.lower().endswith(tuple(self.endings))]
            if self.endings
            else files
        )
        if len(data) == 1 or len(files) == 1:
            return data or files
        if not files:
            raise InputError(f"{archive} holds no file", hint="Send it again", file=archive)
        raise ConfigError(
            f"{archive} holds {len(files):,} files: {listed([_plain_name(i) for i in data] or names)}",
            hint="Say which with `member:`, a name or a pattern such as '2013/*.csv'",
            file=archive,
        )


def _plain_name(info: zipfile.ZipInfo) -> str:
    r"""The name with `/` between folders, which some programs of Windows write as `\`."""
    return info.filename.replace("\\", "/")


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return _plain_name(info).endswith("/")


def unpack(archive: SourceFile, choice: MemberChoice, folder: Path) -> list[SourceFile]:
    """Copies of the members meant, in the new `folder`; each is called `archive/member`.

    Raises:
        ParseError: no ZIP, damaged, encrypted, or one that is made to harm (T7-T9).
        ConfigError: see `MemberChoice.pick`.
        StorageError: no room for the copies.
    """
    try:
        with zipfile.ZipFile(archive.path) as opened:
            infos = opened.infolist()
            check_directory(archive, infos)
            _check_no_workbook(archive, infos)
            picked = choice.pick(infos, archive.name)
            check_sizes(archive, picked)
            folder.mkdir()
            check_room(folder, sum(info.file_size for info in picked))
            return [
                copy_member(opened, info, archive, folder / f"member-{number:06d}")
                for number, info in enumerate(picked)
            ]
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        UnicodeDecodeError,
    ) as error:
        raise ParseError(
            f"cannot be unpacked ({str(error)[:120]})",
            file=archive.name,
            hint="The archive is damaged, cut off or packed by an unknown method: send it again",
        ) from error


def _check_no_workbook(archive: SourceFile, infos: Sequence[zipfile.ZipInfo]) -> None:
    names = {info.filename for info in infos}
    if {"[Content_Types].xml", "xl/workbook.xml"} <= names:
        raise ParseError(
            "is an Excel workbook, whatever its name says",
            file=archive.name,
            hint="Give `format: excel`, or send it as .xlsx",
        )


def check_directory(archive: SourceFile, infos: Sequence[zipfile.ZipInfo]) -> None:
    """Refuses a directory that is made to harm: names that lead outside, links, overlaps, too many entries (T7-T9).

    Raises:
        ParseError: naming the member.
    """
    if len(infos) > MAX_ENTRIES:
        raise _hostile(archive, f"it has {len(infos):,} entries, at most {MAX_ENTRIES:,} are read")
    for info in infos:
        name = info.orig_filename
        if _escapes(name):
            raise _hostile(archive, f"the name of member {name[:80]!r} points outside")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _hostile(archive, f"member {name[:80]!r} is a link or a device")
    end = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        if info.header_offset < end:
            raise _hostile(archive, f"member {info.filename[:80]!r} overlaps another")
        end = (
            info.header_offset + _LOCAL_HEADER_BYTES + len(info.orig_filename) + info.compress_size
        )


def _escapes(name: str) -> bool:
    r"""Whether a name is made to lead out of a folder. Programs of Windows write `folder\data.csv`: that leads nowhere."""
    plain = name.replace("\\", "/")
    return (
        not name
        or "\0" in name
        or plain.startswith("/")
        or _DRIVE.match(plain) is not None
        or ".." in plain.split("/")
    )


def check_sizes(
    archive: SourceFile, picked: Sequence[zipfile.ZipInfo], *, harmless: int | None = None
) -> None:
    """Refuses members that are encrypted, or that say they unpack to more than is read (T8, T9).

    Raises:
        ParseError: naming the member or the size.
    """
    for info in picked:
        if info.flag_bits & _ENCRYPTED:
            raise ParseError(
                f"member {info.filename!r} is encrypted",
                file=archive.name,
                hint="Send it without a password",
            )
    size = sum(info.file_size for info in picked)
    packed = sum(info.compress_size for info in picked)
    archive.budget.take(archive.name, packed, size, harmless=harmless)


def copy_member(
    opened: zipfile.ZipFile, info: zipfile.ZipInfo, archive: SourceFile, target: Path
) -> SourceFile:
    """A copy of one member, as long as the directory says.

    Raises:
        ParseError: it is not.
        zipfile.BadZipFile: it is damaged; see what `unpack` makes of such errors.
    """
    left = info.file_size
    with opened.open(info) as source, target.open("xb") as out:
        while block := source.read(_COPY_BYTES):
            left -= len(block)
            if left < 0:
                break
            out.write(block)
    if left:
        raise _hostile(archive, f"member {info.filename!r} is not as long as the directory says")
    return SourceFile(f"{archive.name}/{_plain_name(info)}", target, archive.budget)


def _hostile(archive: SourceFile, reason: str) -> ParseError:
    return ParseError(
        f"refused: {reason}", file=archive.name, hint="Pack the data again with a usual ZIP program"
    )


def spool(file: SourceFile, target: Path) -> SourceFile:
    """A plain copy of a compressed file, for formats that are read from several places at once.

    Raises:
        ParseError: more bytes than the import may unpack (T8, T9).
        StorageError: no room for them.
    """
    check_room(target.parent, file.path.stat().st_size)
    with target.open("xb") as out:
        for block in read_blocks(file):
            check_room(target.parent, len(block))
            out.write(block)
    return replace(file, path=target)


def _glob(pattern: str) -> Callable[[str], object]:
    """As paths of connectors: `*` and `?` stay within one folder, `**` crosses folders."""
    wild = {"**": ".*", "**/": "(.*/)?", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    return re.compile("".join(wild.get(part) or re.escape(part) for part in parts)).fullmatch
