"""Settings of an upload as the fields of a form have them, and back: what stands there is text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from orchestration.services.uploads.names import tells_format
from orchestration.services.uploads.settings import UploadSettings
from resources.formats.registry import FORMATS, detect_format
from resources.kernel.errors import ConfigError

TYPES = ("text", "integer", "number", "boolean", "date", "timestamp", "timestamptz")
FORMAT_CHOICES = (
    ("", "by the file's name"),
    *((name, name) for name in ("csv", "excel", "json", "jsonl", "parquet")),
)
"""Formats that a form offers, and what it calls them."""
_YES_NO = ("", "true", "false")


@dataclass(frozen=True)
class Setting:
    """One option of a format as a form offers it."""

    name: str
    label: str
    help: str
    kind: str = "text"
    choices: tuple[str, ...] | None = None


OFFERED = (
    Setting("encoding", "Encoding", "For instance utf-8, cp1252, latin-1"),
    Setting("separator", "Separator", "Between columns: , ; | or \\t"),
    Setting("decimal_mark", "Decimal mark", "A point or a comma", choices=("", ".", ",")),
    Setting("thousands_mark", "Thousands mark", "A comma, a point, an apostrophe or a space"),
    Setting("quote", "Quote", "Around texts; none when quotes are ordinary text"),
    Setting("header", "First line names the columns", "", choices=_YES_NO),
    Setting("skip_rows", "Lines above the header", "How many are no data", "number"),
    Setting("skip_footer", "Lines at the end", "Totals and the like", "number"),
    Setting("null_values", "Texts that mean nothing", "Separated by commas: NA, -"),
    Setting("date_format", "Form of dates", "As strptime has it: %d.%m.%Y"),
    Setting("timestamp_format", "Form of times", "%d.%m.%Y %H:%M"),
    Setting("sheet", "Sheet", "Name of the sheet, or its number"),
    Setting("header_row", "Row of the header", "As Excel counts; 0: none", "number"),
    Setting("records", "Where the records are", "Keys separated by dots: data.items"),
)
"""Options that people need; a dataset takes all of them in YAML."""


def offered(format: str) -> list[Setting]:  # noqa: A002 - as users write it
    """The settings that a form offers for a format."""
    if format not in FORMATS:
        return []
    known = FORMATS[format].options.__dataclass_fields__  # type: ignore[index]  # checked above
    return [one for one in OFFERED if one.name in known]


def format_of(filename: str, given: str) -> str:
    """The format that a file is read in; empty when neither its name nor anybody says."""
    if given:
        return given
    try:
        return detect_format(filename) if tells_format(filename) else ""
    except ConfigError:  # an archive: its member tells
        return ""


def settings_of_form(
    fields: Mapping[str, str], columns: Sequence[tuple[str, str, str]], filename: str
) -> UploadSettings:
    """Settings from what was filled in.

    Args:
        fields: `format`, `member`, `more`, and `option.NAME` for each option.
        columns: of each column its name in the file, its new one and its type; empty texts change nothing.
        filename: tells the format where options are given and nothing says it.

    Raises:
        ConfigError: a number that is none, or further options that are no YAML mapping.
    """
    options: dict[str, Any] = _more(fields.get("more", ""))
    for setting in OFFERED:
        text = fields.get(f"option.{setting.name}", "")
        if text.strip() or text == " ":
            options[setting.name] = _value(setting, text)
    types = {name: kind for name, _, kind in columns if kind}
    if types:
        options["types"] = types
    rename = {name: new.strip() for name, new, _ in columns if new.strip() not in ("", name)}
    given = fields.get("format", "")
    return UploadSettings(
        format_of(filename, given) if options else given,
        fields.get("member", "").strip(),
        options,
        rename,
    )


def _value(setting: Setting, text: str) -> Any:
    if setting.kind == "number" or (setting.name == "sheet" and text.strip().isdecimal()):
        if not text.strip().isdecimal() or len(text) > 9:
            raise ConfigError(f"{setting.label}: {text[:40]!r} is no number")
        return int(text)
    if setting.choices == _YES_NO:
        return text == "true"
    if setting.name == "null_values":
        return [part.strip() for part in text.split(",") if part.strip()]
    return "\t" if text.strip() == "\\t" else text if text == " " else text.strip()


def _more(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            "further options: this is no YAML", hint="Write `name: value`, a line each"
        ) from error
    if not isinstance(found, dict):
        raise ConfigError("further options have names", hint="Write `name: value`, a line each")
    return {str(name): value for name, value in found.items()}


def fields_of(settings: UploadSettings) -> dict[str, str]:
    """What a form shows for settings: the way back."""
    found = {"format": settings.format, "member": settings.member}
    rest = {name: value for name, value in settings.options.items() if name != "types"}
    for setting in OFFERED:
        if setting.name in rest and not isinstance(rest[setting.name], Mapping):
            value = rest.pop(setting.name)
            if isinstance(value, bool):
                value = "true" if value else "false"
            elif isinstance(value, list | tuple):
                value = ", ".join(map(str, value))
            found[f"option.{setting.name}"] = "\\t" if value == "\t" else str(value)
    found["more"] = yaml.safe_dump(rest, allow_unicode=True, sort_keys=False) if rest else ""
    return found
