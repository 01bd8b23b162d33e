"""Whether a file begins as its name says, told before anything is kept or parsed."""

from __future__ import annotations

from pathlib import Path

from resources.formats.archives import is_zip
from resources.formats.compression import compression_of
from resources.formats.files import SourceFile, check_not_empty
from resources.formats.not_text import check_no_page, check_text
from resources.formats.registry import Format, detect_format, is_readable_name
from resources.kernel.errors import ParseError

_HEAD_BYTES = 4096
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_PARQUET = (b"PAR1", b"PARE")
_AGAIN = "Correct the ending, or send the file again"


def check_first_bytes(name: str, path: Path, *, format: str = "") -> None:  # noqa: A002 - as users write it
    """Refuses a file that begins otherwise than its name says.

    What is packed is told by its content wherever it is read, so a plain file may be called `.csv` and be packed; one
    that is called `.gz` and is not was cut or damaged on the way.

    Args:
        name: as its user called it.
        path: where its bytes are.
        format: one of the formats, where the name does not count.

    Raises:
        EmptySourceError: it has no byte.
        ConfigError: the name does not tell the format, and none is given.
        ParseError: it is something else.
    """
    file = SourceFile(name, path)
    check_not_empty([file])
    packed, zipped = compression_of(file), is_zip(path)
    lower = name.lower()
    expected = next((kind for ending, kind in _PACKED.items() if lower.endswith(ending)), None)
    if expected is not None and packed != expected:
        raise ParseError(f"is not packed with {expected}, as its name says", file=name, hint=_AGAIN)
    if lower.endswith(".zip") and not zipped:
        raise ParseError("is no ZIP archive, as its name says", file=name, hint=_AGAIN)
    if zipped and (format or is_readable_name(name)):
        return  # an archive or a workbook: what is in it is told when it is opened
    kind = format or detect_format(name)
    if packed is None:
        _check_plain(file, kind)


def _check_plain(file: SourceFile, kind: Format | str) -> None:
    with file.path.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
    if kind == "parquet":
        if not head.startswith(_PARQUET):
            raise ParseError("is no Parquet file", file=file.name, hint=_AGAIN)
    elif kind == "excel":
        check_text(file, head)
        raise ParseError("is no workbook (.xlsx)", file=file.name, hint=_AGAIN)
    else:
        check_text(file, head)
        check_no_page(file, head.decode("latin-1"))
