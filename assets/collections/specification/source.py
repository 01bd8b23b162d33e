"""The bytes of a specification file: plain, packed by gzip, bzip2 or Zstandard, or the only file of a ZIP archive."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from assets.collections.specification.problems import refuse_file
from resources.formats.archives import MemberChoice, check_directory, check_sizes, is_zip
from resources.formats.compression import ENDINGS, read_blocks
from resources.formats.files import SourceFile
from resources.kernel.errors import ConfigError, InputError, ParseError

BLOCK_BYTES = 64 * 1024
"""Small, so that what is made of a block stays in the caches of the processor: with 1 MiB the check takes half as long again."""

Format = Literal["json", "csv"]
_FORMATS: dict[str, Format] = {".json": "json", ".csv": "csv"}
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)


@dataclass(frozen=True)
class SpecificationSource:
    """A file that can be read as often as is wanted.

    Args:
        path: where it lies.
        name: as the user knows it; its ending tells the format.
    """

    path: Path
    name: str

    def open(self) -> tuple[Format, Iterator[bytes]]:
        """The format, and the plain bytes in blocks.

        Raises:
            FileProblemError: file_unreadable; also while the blocks are read.
        """
        file = SourceFile(self.name, self.path)
        if not self.path.stat().st_size:
            return _format(self.name), iter(())
        try:
            if is_zip(self.path):
                member = _only_member(file)
                return _format(member.filename), _told(_member_blocks(file, member))
        except (*_DAMAGED, InputError, ConfigError) as error:
            refuse_file("", "file_unreadable", _reason(error), "Send it again")
        return _format(_without_packing(self.name)), _told(read_blocks(file, BLOCK_BYTES))


def _without_packing(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in ENDINGS else name


def _format(name: str) -> Format:
    found = _FORMATS.get(PurePosixPath(name).suffix.lower())
    if found is None:
        refuse_file(
            "",
            "file_unreadable",
            f"{PurePosixPath(name).name[:100]!r} is neither .json nor .csv",
            "Name it by what it is; .gz, .bz2 and .zst may follow, and a ZIP may hold it",
        )
    return found


def _told(blocks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from blocks
    except (*_DAMAGED, ParseError) as error:
        refuse_file("", "file_unreadable", _reason(error), "Send it again")


def _only_member(archive: SourceFile) -> zipfile.ZipInfo:
    with zipfile.ZipFile(archive.path) as opened:
        infos = opened.infolist()
    check_directory(archive, infos)
    picked = MemberChoice(endings=tuple(_FORMATS)).pick(infos, archive.name)
    check_sizes(archive, picked)
    return picked[0]


def _member_blocks(archive: SourceFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    left = member.file_size
    with zipfile.ZipFile(archive.path) as opened, opened.open(member) as stream:
        while block := stream.read(BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                break
            yield block
    if left:
        message = f"member {member.filename[:100]!r} is not as long as the archive says"
        refuse_file("", "file_unreadable", message, "Pack it again with a usual ZIP program")


def _reason(error: Exception) -> str:
    return f"the file cannot be read: {str(error)[:200]}"
