"""What YAML may say of how files are read, wherever files come from: a data source's path, or an upload."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from resources.declared import Declared


class FileAttributes(Declared):
    """How files are read."""

    member: str = ""
    """ZIP archives: the member to read, or a glob such as `2013/*.csv`; the only data file when left out."""
    format: str = ""
    """`csv`, `excel`, `json`, `jsonl` or `parquet`; told by the file's name when left out."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the format: encoding, separator, types, ... (docs/formats.md)."""
    rename: dict[str, str] = Field(default_factory=dict)
    """Columns of files that get another name: `old: new`. Options and errors speak of the old ones."""

    def file_settings(self) -> dict[str, Any]:
        """What was said, by the names of a `SourceSpec`."""
        return {
            "member": self.member,
            "format": self.format,
            "options": self.options,
            "rename": self.rename,
        }
