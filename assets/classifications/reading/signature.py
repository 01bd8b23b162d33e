"""Does the content fit the extension (G1, G2)? Only what is plainly another format is refused here."""

from __future__ import annotations

from assets.classifications.reading.source import RefusedFileError

JSON_SUFFIX = ".json"
DELIMITERS = {".csv": b",", ".tsv": b"\t", ".tab": b"\t"}


def check_extension(file_name: str) -> str:
    """The extension in lower case with its dot.

    Raises:
        RefusedFileError: file_format_invalid.
    """
    base = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, ending = base.rpartition(".")
    suffix = f"{dot}{ending}".lower() if stem else ""
    if suffix == ".jsonl":
        raise RefusedFileError(
            "file_format_invalid",
            "rename the file: .json is the extension of JSON Lines here, not .jsonl",
        )
    if suffix != JSON_SUFFIX and suffix not in DELIMITERS:
        raise RefusedFileError(
            "file_format_invalid",
            f"the extension {suffix or '(none)'} is not .json, .csv, .tsv or .tab",
        )
    return suffix


def check_json_start(line: bytes) -> None:
    """Refuse a table as JSON, by its first line that is not blank: a header names columns between delimiters.

    Raises:
        RefusedFileError: file_format_invalid.
    """
    text = line.strip(b" \t\r")
    is_header = text.startswith((b'"Key",', b'"Key"\t'))
    is_json = text[:1] in b'{["-0123456789' and not is_header
    if not is_json and (b"," in line or b"\t" in line):
        raise RefusedFileError(
            "file_format_invalid",
            "the content is not JSON; the extension of a table is .csv or .tsv",
        )


def check_table_start(line: bytes, suffix: str) -> None:
    """Refuse JSON as a table, and a table of the other delimiter, by the header line.

    Raises:
        RefusedFileError: file_format_invalid.
    """
    text = line.strip(b" \t\r")
    if text.startswith((b"{", b"[")):
        raise RefusedFileError("file_format_invalid", f"the content is JSON, not {suffix}")
    own = DELIMITERS[suffix]
    other = b"," if own == b"\t" else b"\t"
    if own not in line and line.split(other)[0].strip(b' "') == b"Key" and other in line:
        name = "tabs" if other == b"\t" else "commas"
        raise RefusedFileError(
            "file_format_invalid", f"the header is delimited by {name}, which is not {suffix}"
        )
