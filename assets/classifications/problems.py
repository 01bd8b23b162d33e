"""What a check finds in a file: errors that reject it, warnings that do not.

`RULES` holds every rule id with its wording; the wording starts each message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RULES: Mapping[str, str] = {
    "file_format_invalid": "Invalid file format",
    "file_too_large": "File exceeds maximum size",
    "file_bom": "Byte-order marks are not allowed",
    "file_encoding_invalid": "Bytes are invalid in the chosen encoding",
    "file_empty": "File is empty",
    "blank_header": "Blank headers are not allowed",
    "min_two_headers": "A minimum of two header items are required",
    "first_column_must_be_key": "First column is required to be the key",
    "first_header_must_be_Key": "The first header column must be called 'Key'",
    "duplicate_header": "Duplicate header",
    "unknown_header": "Unknown header",
    "column_count_mismatch": "The number of columns did not match the headers",
    "malformed_document": "Malformed document",
    "key_empty": "Key must not be empty",
    "key_required": "Key is a required field",
    "key_type_invalid": "Key must be text",
    "key_reserved_token": "Key is a reserved word",
    "value_reserved_token": "Column value is a reserved word",
    "data_required_update": "Data is a required field when using action=update",
    "data_required_delete_field": "Data is a required field when using action=delete-field",
    "data_forbidden_delete_key": "Data must not be present when using action=delete-key",
    "encoding_unsupported": "Unsupported encoding",
    "action_unsupported": "Unsupported action",
    "member_name_case": "Member names are lower case",
    "json_record_not_object": "A line must hold one JSON object",
    "json_syntax": "Invalid JSON syntax",
    "key_too_long": "Key exceeds maximum size",
    "value_too_long": "Column value exceeds maximum size",
    "value_type_invalid": "Column value does not fit the column's type",
}

BARE_KEY = "new_key_without_value"
"""The one warning that depends on what is stored."""

WARNINGS: Mapping[str, str] = {
    "superseded": "Superseded by a later row of the same key",
    "ignored_cells": "Cells beside ~deletekey~ are ignored",
    "unknown_member": "Unknown member is ignored",
    "integer_rewritten": "Number is stored as an integer",
    "empty_elements": "Empty elements of the list are left out",
    "misread_text": "Text looks like UTF-8 that was read as Latin-1",
    "control_character": "Text has control characters that Windows-1252 read as Latin-1 would have",
    "invisible_in_key": "Key has white space at its ends or an invisible character",
    "comment_key": "Key looks like a remark",
    BARE_KEY: "New key without a value is made",
}


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One error of a file.

    Args:
        row: 0 for the file; in CSV and TSV the record (the header is 1), in JSON the line.
        rule: a key of `RULES`.
        column: the column it is about, where there is one.
        message: the rule's wording and what was found there.
    """

    row: int
    rule: str
    column: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One warning of a file: `rule` is a key of `WARNINGS`, the rest as in `FileProblem`."""

    row: int
    rule: str
    column: str | None
    message: str


@dataclass(frozen=True)
class Rejected:
    """A file with errors: nothing of it may be applied (G11).

    Args:
        problems: errors in file order, at most `ParseOptions.max_problems`.
        problem_count: exact number of errors.
        warnings: what was noticed up to then, in file order, at most `ParseOptions.max_warnings`.
        warning_counts: exact number of warnings by rule.
    """

    problems: tuple[FileProblem, ...]
    problem_count: int
    warnings: tuple[Notice, ...] = ()
    warning_counts: Mapping[str, int] = field(default_factory=dict)
